"""Learning representations: better with every epoch, exactly resumed, turned with no change; priors at their rates."""

import dataclasses
import os
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.models.inr import network as inr
from recjax.models.inr import weight_posterior
from recjax.models.inr.weight_posterior import Gaussian, Posterior
from tests.representations import TINY_SHAPE, waves
from training.inr import basis as inr_basis
from training.inr import loop as training
from training.inr import prior as inr_prior
from training.inr.loop import INRTraining

CONFIG = INRTraining(200.0, 6, 4, 1e-2, (0.1, 0.05), warmup_epochs=2, turns=(3,), checkpoint_every=2)
TWO_DEVICES = """
import pathlib, sys
from tests.training.test_inr import CONFIG, TINY_SHAPE, training, waves
import dataclasses
training.train(TINY_SHAPE, waves(8, 8), dataclasses.replace(CONFIG, devices=2), directory=pathlib.Path(sys.argv[1]))
"""


class Stop(Exception):
    pass


def fit(directory=None, until=None, config=CONFIG):
    """The state after training, and what was reported; stops like a killed process after so many epochs."""
    told = []

    def report(step):
        told.append(step)
        if step.epoch == until:
            raise Stop

    state = training.train(TINY_SHAPE, waves(8, 8), config, report, directory=directory)
    return state, told


@pytest.fixture(scope="module")
def trained():
    return fit()


def test_pictures_are_learned(trained):
    _, told = trained
    assert [step.epoch for step in told] == [1, 2, 3, 4, 5, 6]
    assert told[-1].psnr > told[0].psnr + 1 and all(np.isfinite(step.bits_per_pixel) for step in told)


def test_a_stopped_run_goes_on_as_if_it_had_not_been(trained, tmp_path):
    with pytest.raises(Stop):
        fit(tmp_path, until=5)
    state, told = fit(tmp_path)
    assert [step.epoch for step in told] == [5, 6]
    for one, other in zip(jax.tree.leaves(trained[0]), jax.tree.leaves(state), strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.raises(ValueError, match="another configuration"):
        fit(tmp_path, config=dataclasses.replace(CONFIG, seed=1))


@pytest.mark.slow
def test_two_devices_learn_as_one(trained, tmp_path):
    environment = os.environ | {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    subprocess.run([sys.executable, "-c", TWO_DEVICES, str(tmp_path)], env=environment, check=True)
    state, told = fit(tmp_path)
    assert told == []
    for one, other in zip(trained[0].shared.upsampler, state.shared.upsampler, strict=True):
        np.testing.assert_allclose(one.kernel, other.kernel, atol=1e-2)


def test_an_objective_that_is_not_finite_stops():
    with pytest.raises(FloatingPointError, match="lower the learning rate"):
        fit(config=dataclasses.replace(CONFIG, weight=float("inf")))


def test_turned_latents_show_the_same_and_are_uncorrelated():
    rng = np.random.default_rng(0)
    shared = inr.init(TINY_SHAPE, jax.random.key(0))
    size = TINY_SHAPE.variables
    mixed = rng.normal(size=(40, 1, size)) @ np.kron(np.eye(size // 6), rng.normal(size=(6, 6)))
    prior = Gaussian((jnp.asarray(rng.normal(size=size), jnp.float32),), (jnp.ones(size),))
    q = Posterior((jnp.asarray(mixed, jnp.float32),), (jnp.full((40, 1, size), -2.0),))
    turned, new_prior, new_q = inr_basis.concentrate(TINY_SHAPE, shared, prior, q)

    def shown(shared, prior, q):
        variables = weight_posterior.to_variables(prior, q.mean)[0]
        return inr.render(TINY_SHAPE, shared, variables[:, :, None])

    np.testing.assert_allclose(shown(shared, prior, q), shown(turned, new_prior, new_q), atol=2e-3)
    first = np.asarray(new_prior.scale[0] * new_q.mean[0])[:, 0, :6]
    correlations = np.corrcoef(first.T) - np.eye(6)
    assert np.abs(correlations).max() < 1e-3
    assert (np.diff(first.var(axis=0)) < 0).all()


def test_priors_settle_towards_the_wanted_rate(trained):
    state, _ = trained
    found = [
        inr_prior.settle(
            TINY_SHAPE, (1,), state.shared, state.prior, waves(8, 8), 200.0, bits_per_pixel=rate, first_steps=60,
            steps=30, rounds=4,
        )
        for rate in (1.5, 4.0)
    ]  # fmt: skip
    assert found[0].psnr < found[1].psnr and found[0].weight < found[1].weight
    for settled, rate in zip(found, (1.5, 4.0), strict=True):
        assert settled.bits_per_pixel == pytest.approx(rate, rel=0.5)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"epochs": 0}, "epochs must be positive"),
        ({"weight": -1.0}, "weight must be positive"),
        ({"seed": -1}, "seed must be an integer"),
        ({"devices": 3}, "multiple of the 3 devices"),
        ({"batch_size": 16}, "a batch takes 16 pictures, got 8"),
    ],
)
def test_bad_settings_are_told(change, told):
    with pytest.raises(ValueError, match=told):
        fit(config=dataclasses.replace(CONFIG, **change))
