"""IsoKL VAEs as models: they convert without loss, and are coded by search only."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.container import file as container
from recjax.errors import FormatError
from recjax.models.vae import network as vae
from training import data
from training.vae import convert

VAE = vae.VAEConfig((8, 8), 2, 4, hidden=(24,), likelihood="bernoulli", posterior="isokl", kl_groups=2)


@pytest.fixture(scope="module")
def images():
    splits = (data.load("digits", split).images for split in ("train", "validation"))
    return [(part[:count] > 7).astype(np.uint8) for part, count in zip(splits, (300, 50), strict=True)]


@pytest.fixture(scope="module")
def params():
    params = jax.jit(vae.init, static_argnums=0)(VAE, jax.random.key(0))
    return {**params, "log_kappa": jnp.log(jnp.array([0.5, 2.0]))}


@pytest.fixture(scope="module")
def model(images, params):
    return convert.to_model("tiny", VAE, params, images[0])


def test_conversion_keeps_kappa_and_rate(images, params, model):
    rates = convert.measure(VAE, params, model, images[1], samples=4)
    assert rates.exact_bits_per_dim == pytest.approx(rates.elbo_bits_per_dim, rel=2e-3)
    kappa_bits = np.array([0.5, 0.5, 2.0, 2.0]) / np.log(2)
    assert rates.kl_bits == pytest.approx(kappa_bits.sum(), rel=1e-4)
    assert np.allclose(model.kl_bits / 1024, kappa_bits, atol=1e-3)
    assert np.allclose(model.kappa_nats_q16 / 2**16, kappa_bits * np.log(2), atol=1e-4)


def test_bits_back_says_that_it_cannot_code_them(images, model):
    some, wanted = images[1][:3], r"bits-back needs a normal posterior in integers, and model 'tiny'"
    with pytest.raises(ValueError, match=wanted):
        lossless.compress(some, model)
    parameters = {"lanes": 1, "grid_bits": 10, "initial_bytes": 4}
    header = container.Header("bb-ans", bytes.fromhex(model.digest[:16]), 3, (8, 8), 0, parameters)
    with pytest.raises(FormatError, match=wanted):
        lossless.decompress(container.write(header, [b"1234"]), model=model)


@pytest.mark.slow
def test_files_by_search(images, model, monkeypatch):
    monkeypatch.setattr(relative_entropy, "BATCH", 1)
    file = lossless.compress(images[1][:3], model, method="orc", candidates=16, block_bits=6.0)
    assert container.read(file).header.method == "orc"
    assert np.array_equal(lossless.decompress(file, model=model, index=1), images[1][1])
