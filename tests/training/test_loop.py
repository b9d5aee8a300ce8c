"""Training: it learns, repeats, resumes exactly, stops on its own, and converts without losing rate."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from recjax.models.vae.config import VAEConfig
from recjax.models.vae.evaluate import load_model, save_model
from training import data
from training.vae import convert, loop
from training.vae.config import TrainConfig

VAE = VAEConfig((8, 8), 17, 4, hidden=(24,), dropout=0.1)
TRAIN = TrainConfig(epochs=4, batch_size=50, kl_warmup_epochs=2, validate_every=2, average=0.9, learning_rate=3e-3)


@pytest.fixture(scope="module")
def images():
    return data.load("digits", "train").images[:300], data.load("digits", "validation").images[:50]


@pytest.fixture(scope="module")
def result(images):
    return loop.fit(VAE, TRAIN, *images)


def test_the_loss_falls_below_raw_bits(result):
    assert [step.epoch for step in result.history] == [2, 4]
    assert result.history[1].validation_loss < min(result.history[0].validation_loss, np.log2(17))
    assert result.validation_loss == result.history[1].validation_loss
    assert all(step.images_per_second > 0 for step in result.history)


def test_an_interrupted_run_ends_where_an_uninterrupted_one_does(images, result, tmp_path):
    class Stop(Exception):
        pass

    def stop(_):
        raise Stop

    with pytest.raises(Stop):
        loop.fit(VAE, TRAIN, *images, directory=tmp_path, report=stop)
    reports = []
    # What is made of the weights later is not of the run.
    resumed = loop.fit(VAE, replace(TRAIN, weight_bits=8), *images, directory=tmp_path, report=reports.append)
    assert [step.epoch for step in reports] == [4]
    assert [step.epoch for step in resumed.history] == [2, 4]
    for a, b in zip(jax.tree.leaves(result.params), jax.tree.leaves(resumed.params), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="another configuration"):
        loop.fit(VAE, replace(TRAIN, seed=1), *images, directory=tmp_path)


def test_training_stops_when_it_no_longer_gets_better(images):
    config = replace(TRAIN, epochs=60, learning_rate=1e-12, average=0.0, kl_warmup_epochs=0, patience=2)
    compiled, by_report = [], []

    def listen(name, *_, **__):
        if name == "/jax/core/compile/backend_compile_duration":
            compiled.append(name)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        history = loop.fit(VAE, config, *images, report=lambda _: by_report.append(len(compiled))).history
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    assert len(history) < 30
    # The epochs after a measurement are those before it, compiled once.
    assert by_report[0] > 0 and set(by_report) == {by_report[0]}


def test_divergence_is_an_error_with_advice(images):
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        loop.fit(VAE, replace(TRAIN, learning_rate=1e30), *images)


def test_a_batch_has_no_more_images_than_there_are(images):
    with pytest.raises(ValueError, match="at most the 300 training images, got 10000; lower it"):
        loop.fit(VAE, replace(TRAIN, batch_size=10_000), *images)


def test_conversion_costs_little(images, result):
    model = convert.to_model("tiny", VAE, result.params, images[0])
    rates = convert.measure(VAE, result.params, model, images[1], samples=4)
    assert rates.exact_bits_per_dim == pytest.approx(rates.elbo_bits_per_dim, rel=2e-3)
    assert np.log2(model.intervals).sum() <= model.kl_bits.sum() / 1024 + 1e-6
    assert model.image_shape == (8, 8) and model.latents == 4
    assert rates.conversion_loss == pytest.approx(rates.exact_bits_per_dim / rates.elbo_bits_per_dim - 1)


def test_weights_of_8_bits_halve_the_file(images, result, tmp_path):
    models = [convert.to_model("tiny", VAE, result.params, images[0], weight_bits=bits) for bits in (16, 8)]
    sizes, rates = [], []
    for model in models:
        save_model(tmp_path / "tiny.safetensors", model)
        loaded = load_model(tmp_path / "tiny.safetensors")
        for one, other in zip(jax.tree.leaves(model), jax.tree.leaves(loaded), strict=True):
            np.testing.assert_array_equal(one, other)
        assert loaded.digest == model.digest
        sizes.append((tmp_path / "tiny.safetensors").stat().st_size)
        rates.append(convert.measure(VAE, result.params, model, images[1], samples=4).exact_bits_per_dim)
    weights = 64 * 24 + 24 * 8 + 4 * 24 + 24 * 128
    assert sizes[0] - sizes[1] > weights and models[0].digest != models[1].digest
    assert rates[1] == pytest.approx(rates[0], rel=5e-3)


def test_the_standard_error_is_over_images(images, result):
    model = convert.to_model("tiny", VAE, result.params, images[0])

    def measure(x):
        return convert.measure(VAE, result.params, model, x, samples=2)

    alone = [measure(images[1][i : i + 1]) for i in range(8)]
    assert all(rates.elbo_standard_error is None for rates in alone)
    together = measure(images[1][:8])
    spread = np.std([rates.elbo_bits_per_dim for rates in alone], ddof=1) / np.sqrt(8)
    # The noise of two posterior samples is small beside the differences of images.
    assert together.elbo_standard_error == pytest.approx(spread, rel=0.3)
    assert together.images == 8


def test_a_card_is_no_part_of_the_digest(images, result):
    model = convert.to_model("tiny", VAE, result.params, images[0])
    told = convert.with_card(model, {"test": {"images": 3}})
    assert told.metadata == {"test": {"images": 3}} and told.digest == model.digest
