"""The experiment on the stronger model end to end, on the released digits, and its notes on given figures."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from experiments import __main__ as command
from experiments.config import ConfigError
from experiments.mnist.context import notes as mnist_context_notes
from experiments.mnist.context import report as mnist_context_report
from experiments.mnist.context import rows as context_rows
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.models.vae.evaluate import load_model
from training import data

CONFIG = Path(__file__).resolve().parents[3] / "configs" / "mnist_context.toml"
# The sizes of other tests, so that what is compiled serves them all.
SMALL = """
experiment = "mnist_context"
images = 17
elbo_samples = 2
latent_images = 17
digit = 3
[alone]
name = "orc"
candidates = 64
block_bits = 6.0
[[models]]
name = "digits"
data = "digits"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Folder and result of a run on 17 digits."""
    folder = tmp_path_factory.mktemp("context")
    (folder / "config.toml").write_text(SMALL)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(relative_entropy, "BATCH", 1)
        assert command.main([str(folder / "config.toml"), "--out", str(folder)]) == 0
    return folder, json.loads((folder / "result.json").read_text())


def test_figures_are_those_of_files_that_decode(small):
    folder, result = small
    images = data.load("digits", "test").images[:17]
    (model,) = result["models"]
    assert [row["method"] for row in model["rows"]] == list(context_rows.METHODS)
    for row in model["rows"]:
        file = (folder / row["file"]).read_bytes()
        assert row["file_bits_per_dim"] == pytest.approx(8 * len(file) / images.size)
        assert 0.9 * model["exact_bits_per_dim"] < row["bare_bits_per_dim"] <= row["file_bits_per_dim"]
        assert row["file_overhead"] == pytest.approx(row["file_bits_per_dim"] / model["exact_bits_per_dim"] - 1)
    stream = (folder / model["rows"][0]["file"]).read_bytes()
    np.testing.assert_array_equal(lossless.decompress(stream, model=load_model("digits")), images)


def test_what_latents_bring_is_what_images_cost_more_without(small):
    (model,) = small[1]["models"]
    gain = model["latent_gain"]
    assert gain["total_bits"] == pytest.approx(gain["latent_bits"] + gain["posterior_bits"])
    assert gain["gain_bits"] == pytest.approx(gain["zero_bits"] - gain["total_bits"])
    assert gain["posterior_bits"] < gain["total_bits"] < gain["zero_bits"] < gain["prior_bits"]
    assert gain["total_bits"] == pytest.approx(64 * model["exact_bits_per_dim"], rel=0.05)
    bits = np.asarray(model["digit_bits"])
    assert bits.shape == (8, 8) and bits.min() >= 0 and 0.5 * gain["total_bits"] < bits.sum() < 2 * gain["total_bits"]


def test_tables_and_plot_come_from_the_json(small):
    folder, result = small
    head, *rows = csv.reader((folder / "rates.csv").read_text().splitlines())
    assert tuple(head) == mnist_context_report.RATE_COLUMNS
    names = [row[0] for row in rows]
    assert names[:5] == [
        "digits: -ELBO, float",
        "digits: -ELBO, exact",
        "digits, BB-ANS",
        "digits, BB-ANS started by REC",
        "digits, REC",
    ]
    assert rows[5][:3] == ["Bit-Swap, published", "one stream", "1.29"] and {"bz2", "WebP"} <= set(names)
    assert (folder / "latents.md").exists() and (folder / "plot.png").exists()
    assert any("Bit-Swap's published rate (1.290 bits/dim)" in note for note in mnist_context_notes.rate_notes(result))


def test_notes_say_how_far_files_are_below_others(small):
    result = json.loads(json.dumps(small[1]))
    for row, rate in zip(result["models"][0]["rows"], (1.14, 1.13, 1.18), strict=True):
        row["file_bits_per_dim"] = rate
    notes = " ".join(mnist_context_notes.rate_notes(result))
    assert "the smaller of both streams is 12.4% below Bit-Swap" in notes
    assert "the file of images decodable alone 8.5% below it" in notes


@pytest.mark.slow
def test_the_config_itself_at_its_small_size(tmp_path):
    assert command.main([str(CONFIG), "--smoke", "--out", str(tmp_path)]) == 0
    stronger, plain = json.loads((tmp_path / "result.json").read_text())["models"]
    assert (stronger["context_radius"], plain["context_radius"]) == (2, 0)


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("models=[]", "at least one"),
        ("models.1.data=binary_mnist", "the same data"),
        ("alone.name=pfr", "must be 'orc'"),
        ("digit=-1", "digit must be at least 0"),
        ("latent_images=0", "latent_images must be at least 1"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(settings, override, words):
    with pytest.raises(ConfigError, match=words):
        settings("mnist_context", override)
