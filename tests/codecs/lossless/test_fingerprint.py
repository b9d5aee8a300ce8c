"""Files in floats are refused where floats come out otherwise; exact files have the same bytes and pixels there."""

import os
import subprocess
import sys
from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import fingerprint
from recjax.codecs.lossless.options import ARITHMETICS
from recjax.container import file as container
from recjax.errors import FormatError
from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point import networks
from recjax.models.vae import evaluate as models

METHODS = {"bb-ans": {}, "orc": {"candidates": 64, "block_bits": 6.0}}
REFUSED = "made in floats of fingerprint"
_outputs = fingerprint._outputs


@pytest.fixture(scope="module")
def images(digits):
    return digits[100:108]


@pytest.fixture(scope="module")
def files(images, model):
    """A file of each method and arithmetic."""
    return {
        (method, arithmetic): lossless.compress(images, model, method=method, arithmetic=arithmetic, **options)
        for method, options in METHODS.items()
        for arithmetic in ARITHMETICS
    }


@pytest.mark.parametrize("method", METHODS)
def test_floats_decode_where_they_were_made(files, images, model, method):
    data = files[method, "float"]
    file = container.read(data)
    assert file.header.format_version == 2 and len(file.header.fingerprint) == 8
    assert container.read(files[method, "exact"]).header.format_version == 1
    for given in (None, model, models.in_floats(model)):
        assert np.array_equal(lossless.decompress(data, model=given), images)
    assert np.array_equal(lossless.decompress(files[method, "exact"]), images)
    assert abs(len(data) - len(files[method, "exact"])) < 16
    with pytest.raises(ValueError, match="the file is exact and model 'digits' is in floats"):
        lossless.decompress(files[method, "exact"], model=models.in_floats(model))


def test_numbers_depend_on_the_batch_in_floats_alone(model):
    """What the fingerprint stands against, measured."""
    x = np.random.default_rng(0).integers(-exact.LIMIT, exact.LIMIT, (64, model.pixels)).astype(np.int32)
    floats = models.in_floats(model).inference
    found = {}
    for network, evaluate in ((floats, networks.float_outputs), (model.inference, exact.apply)):
        together = np.asarray(jax.jit(evaluate)(network, jnp.asarray(x)))
        alone = np.concatenate([np.asarray(jax.jit(evaluate)(network, jnp.asarray(row[None]))) for row in x])
        found[evaluate] = float((together == alone).mean())
    assert found[exact.apply] == 1
    if jax.default_backend() == "cpu":
        assert found[networks.float_outputs] < 1


def test_floats_are_close_to_what_is_exact(model):
    x = np.random.default_rng(1).integers(0, 17, (200, model.pixels)).astype(np.uint8)
    floats = models.in_floats(model)
    for found, wanted in zip(models.posterior(floats, x), models.posterior(model, x), strict=True):
        assert np.abs(np.asarray(found) - np.asarray(wanted)).max() <= 24
    assert floats.digest == model.digest and floats.arithmetic == "float" and model.arithmetic == "exact"


def test_another_batch_fails_floats_and_not_what_is_exact(files, images):
    with pytest.raises(FormatError, match=REFUSED):
        lossless.decompress(files["orc", "float"], index=3)
    assert np.array_equal(lossless.decompress(files["orc", "exact"], index=3), images[3])
    forced = lossless.decompress(files["orc", "float"], index=3, ignore_fingerprint=True)
    assert forced.shape == images[3].shape and forced.dtype == np.uint8


CHANGES = {
    "version of jax": (jax, "__version__", "0.11.9"),
    "processor": (fingerprint, "_cpu_flags", lambda: "sse"),
    "cores": (fingerprint, "_cores", lambda: 61),
    "numbers": (fingerprint, "_outputs", lambda network, x: np.nextafter(_outputs(network, x), np.inf)),
}


@pytest.mark.parametrize("what", CHANGES)
@pytest.mark.parametrize("method", METHODS)
def test_another_place_fails_floats_and_not_what_is_exact(files, images, model, monkeypatch, method, what):
    monkeypatch.setattr(*CHANGES[what])
    with pytest.raises(FormatError, match=REFUSED):
        lossless.decompress(files[method, "float"])
    assert np.array_equal(lossless.decompress(files[method, "exact"]), images)
    assert lossless.compress(images, model) == files["bb-ans", "exact"]


PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from recjax import compress, decompress, load_model
from recjax.errors import FormatError
folder = Path(sys.argv[1])
images = np.load(folder / "images.npy")
for method in ("bb-ans", "orc"):
    assert np.array_equal(decompress((folder / f"{method}-exact").read_bytes()), images), f"{method}: other pixels"
    try:
        decompress((folder / f"{method}-float").read_bytes())
        sys.exit(f"{method}: floats were not refused")
    except FormatError as error:
        assert "made in floats" in str(error)
assert compress(images, load_model("digits")) == (folder / "bb-ans-exact").read_bytes(), "other bytes"
"""


@pytest.mark.skipif(jax.default_backend() != "cpu", reason="instruction sets are a CPU's")
@pytest.mark.parametrize(
    "variables",
    [
        {"XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"},
        pytest.param({"XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}, marks=pytest.mark.slow),
        pytest.param({"JAX_DISABLE_JIT": "1"}, marks=pytest.mark.slow),
        pytest.param({"XLA_FLAGS": "--xla_force_host_platform_device_count=8"}, marks=pytest.mark.slow),
    ],
    ids=str,
)
def test_another_instruction_set_fails_floats_and_not_what_is_exact(files, images, tmp_path, variables):
    np.save(tmp_path / "images.npy", images)
    for (method, arithmetic), data in files.items():
        (tmp_path / f"{method}-{arithmetic}").write_bytes(data)
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    done = subprocess.run(command, env={**os.environ, **variables}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def test_bad_requests_are_explained(files, images, model, tmp_path):
    with pytest.raises(ValueError, match="one of exact, float, got 'double'"):
        lossless.compress(images, model, arithmetic="double")
    with pytest.raises(ValueError, match="is in floats; ask for arithmetic 'float'"):
        lossless.compress(images, models.in_floats(model))
    for change in (models.with_index_counts, models.with_interval_masses):
        with pytest.raises(ValueError, match="keeps the digest of the exact one"):
            change(models.in_floats(model), {})
    with pytest.raises(ValueError, match="is in floats, which no file holds"):
        models.save_model(tmp_path / "m.safetensors", models.in_floats(model))
    assert container.read(lossless.compress(images[:0], model, arithmetic="float")).header.method == "raw"


def test_headers_of_floats(files):
    data = files["orc", "float"]
    header = container.read(data).header
    with pytest.raises(ValueError, match="a fingerprint has 8 bytes"):
        replace(header, fingerprint=b"short")
    with pytest.raises(ValueError, match="files of raw may have none"):
        container.Header("raw", bytes(8), 1, (8, 8), fingerprint=bytes(8))
    with pytest.raises(FormatError, match="ends inside its fingerprint"):
        container.read(data[:18])
    for method in (0, 9):
        with pytest.raises(FormatError, match="in floats, which there is not"):
            container.read(data[:4] + bytes([16 | method]) + data[5:])
    with pytest.raises(FormatError, match="format 3"):
        container.read(data[:3] + b"\3" + data[4:])
    forged = bytearray(data)
    forged[13] ^= 1
    with pytest.raises(FormatError, match="checksum"):
        container.read(bytes(forged)).chunk(0)
