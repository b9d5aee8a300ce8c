"""IsoKL VAEs from training to files: they learn kappa, convert without loss, and are coded by search only."""

from dataclasses import replace

import numpy as np
import pytest

from recjax import container
from recjax.codecs import bits_back, lossless, relative_entropy
from recjax.errors import FormatError
from recjax.models.vae import VAEConfig
from training import convert, data, loop
from training.config import TrainConfig

VAE = VAEConfig((8, 8), 2, 4, hidden=(24,), likelihood="bernoulli", posterior="isokl", kl_groups=2)
TRAIN = TrainConfig(epochs=4, batch_size=50, kl_warmup_epochs=2, validate_every=4, average=0.9, learning_rate=3e-3)


@pytest.fixture(scope="module")
def images():
    splits = (data.load("digits", split).images for split in ("train", "validation"))
    return [(part[:count] > 7).astype(np.uint8) for part, count in zip(splits, (300, 50), strict=True)]


@pytest.fixture(scope="module")
def result(images):
    return loop.fit(VAE, TRAIN, *images)


@pytest.fixture(scope="module")
def model(images, result):
    return convert.to_model("tiny", VAE, result.params, images[0])


def test_kappa_is_learned_by_group(result):
    log_kappa = np.asarray(result.params["log_kappa"])
    assert log_kappa.shape == (2,) and (log_kappa != 0).all()
    assert np.isfinite(result.validation_loss)


def test_conversion_keeps_kappa_and_rate(images, result, model):
    rates = convert.measure(VAE, result.params, model, images[1], samples=4)
    assert rates.exact_bits_per_dim == pytest.approx(rates.elbo_bits_per_dim, rel=2e-3)
    kappa_bits = np.exp(np.repeat(np.asarray(result.params["log_kappa"], np.float64), 2)) / np.log(2)
    assert rates.kl_bits == pytest.approx(kappa_bits.sum(), rel=1e-4)
    assert np.allclose(model.kl_bits / 1024, kappa_bits, atol=1e-3)
    assert np.allclose(model.kappa_nats_q16 / 2**16, kappa_bits * np.log(2), atol=1e-4)


def test_files_by_search_and_none_by_bits_back(images, model, monkeypatch):
    monkeypatch.setattr(relative_entropy, "BATCH", 1)
    some = images[1][:3]
    file = lossless.compress(some, model, method="orc", candidates=16, block_bits=6.0)
    assert container.read(file).header.method == "orc"
    assert np.array_equal(lossless.decompress(file, model=model, index=1), some[1])
    with pytest.raises(ValueError, match=r"bits-back needs a normal posterior in integers, and model 'tiny'"):
        lossless.compress(some, model)
    found = container.read(file)
    parameters = {"lanes": 1, "grid_bits": 10, "initial_bytes": 4}
    header = replace(found.header, method="bb-ans", parameters=parameters)
    with pytest.raises(FormatError, match="bits-back needs a normal posterior"):
        bits_back.decode(container.read(container.write(header, [found.chunk(0)])), model)
