"""Training: it learns, repeats, resumes exactly, stops on its own, and converts without losing rate."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from recjax.models.model import load_model
from recjax.models.vae import VAEConfig
from training import __main__ as command
from training import convert, data, loop

VAE = VAEConfig((8, 8), 17, 4, hidden=(24,), dropout=0.1)
TRAIN = loop.TrainConfig(epochs=4, batch_size=50, kl_warmup_epochs=2, validate_every=2, average=0.9, learning_rate=3e-3)


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
    resumed = loop.fit(VAE, TRAIN, *images, directory=tmp_path, report=reports.append)
    assert [step.epoch for step in reports] == [4]
    assert [step.epoch for step in resumed.history] == [2, 4]
    for a, b in zip(jax.tree.leaves(result.params), jax.tree.leaves(resumed.params), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="another configuration"):
        loop.fit(VAE, replace(TRAIN, seed=1), *images, directory=tmp_path)


def test_training_stops_when_it_no_longer_gets_better(images):
    config = replace(TRAIN, epochs=60, learning_rate=1e-12, average=0.0, kl_warmup_epochs=0, patience=2)
    assert len(loop.fit(VAE, config, *images).history) < 30


def test_divergence_is_an_error_with_advice(images):
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        loop.fit(VAE, replace(TRAIN, learning_rate=1e30), *images)


@pytest.mark.parametrize("changes", [{"batch_size": 10_000}, {"batch_size": 0}, {"epochs": 0}], ids=str)
def test_impossible_settings_are_explained(images, changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        loop.fit(VAE, replace(TRAIN, **changes), *images)


def test_conversion_costs_little(images, result):
    model = convert.to_model("tiny", VAE, result.params, images[0], {"data": "digits"})
    rates = convert.measure(VAE, result.params, model, images[1], samples=4)
    assert rates.exact_bits_per_dim == pytest.approx(rates.elbo_bits_per_dim, rel=2e-3)
    assert np.log2(model.intervals).sum() <= model.kl_bits.sum() / 1024 + 1e-6
    assert model.image_shape == (8, 8) and model.latents == 4


def test_the_command_writes_a_model_file(tmp_path, capsys):
    arguments = ["--data", "digits", "--out", str(tmp_path / "run"), "--vae.latents", "3", "--vae.hidden", "8"]
    assert command.main([*arguments, "--train.epochs", "1", "--train.validate-every", "1"]) == 0
    assert "bits/dim" in capsys.readouterr().out
    model = load_model(tmp_path / "run" / "model.safetensors")
    assert model.name == "run" and model.metadata["train"]["epochs"] == 1
    assert set(model.metadata["test"]) == set(convert.Rates._fields)
    assert command.main(["--data", "nothing", "--out", str(tmp_path)]) == 1
    assert "choose one of" in capsys.readouterr().err
