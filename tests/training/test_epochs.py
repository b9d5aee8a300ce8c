"""Epochs: killed runs resume exactly; several devices and bfloat16 train as one in float32; pixels are drawn anew."""

import functools
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import jax.flatten_util
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.io import tensor_file
from recjax.models.vae import network as vae
from training.vae import epochs, loop
from training.vae.config import TrainConfig
from training.vae.objectives import negative_elbo

ROOT = Path(__file__).resolve().parents[2]
VAE = vae.VAEConfig((4, 4), 2, 3, hidden=(8,), likelihood="bernoulli", posterior="isokl")
TRAIN = TrainConfig(
    epochs=40, batch_size=20, kl_warmup_epochs=1, validate_every=1, patience=40, average=0.5, learning_rate=3e-3
)


def fit(config: TrainConfig = TRAIN, **options) -> loop.TrainResult:
    """A run on images whose left or right half is bright."""
    grey = np.random.default_rng(0).integers(0, 64, (120, 4, 4), dtype=np.uint8)
    grey[::2, :, :2] += 180
    grey[1::2, :, 2:] += 180
    return loop.fit(VAE, config, grey, (grey[:40] > 127).astype(np.uint8), sampled=True, **options)


def start(folder: Path, options: str, **environment: str) -> subprocess.Popen:
    """`fit` in a process of its own, whose checkpoints are in the folder; it shares what was compiled here."""
    code = (
        "import importlib.util as util\n"
        f"spec = util.spec_from_file_location('test_epochs', {str(Path(__file__).resolve())!r})\n"
        "test = util.module_from_spec(spec)\n"
        "spec.loader.exec_module(test)\n"
        f"test.fit(test.replace(test.TRAIN, {options}), directory={str(folder)!r})"
    )
    shared = {
        "JAX_COMPILATION_CACHE_DIR": str(jax.config.jax_compilation_cache_dir),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0.5",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env={**os.environ, **shared, **environment})


def kill_at_first_checkpoint(process: subprocess.Popen, folder: Path) -> None:
    """Send SIGKILL as soon as there is a checkpoint."""
    while not (folder / "checkpoint.safetensors").exists() and process.poll() is None:
        time.sleep(0.002)
    process.kill()
    assert process.wait() == -signal.SIGKILL


@pytest.fixture(scope="module")
def result():
    return fit()


# Quick runs have a test that kills below, and one of test_loop that compares a resumed run bit by bit.
@pytest.mark.slow
def test_a_killed_run_ends_where_an_undisturbed_one_does(result, tmp_path):
    kill_at_first_checkpoint(start(tmp_path, ""), tmp_path)
    reports = []
    resumed = fit(directory=tmp_path, report=reports.append)
    assert 0 < len(reports) < len(resumed.history) == TRAIN.epochs
    for one, other in zip(jax.tree.leaves(result.params), jax.tree.leaves(resumed.params), strict=True):
        np.testing.assert_array_equal(one, other)
    losses = [[step[1:3] for step in run.history] for run in (result, resumed)]
    assert losses[0] == losses[1]


def test_two_devices_train_as_one_and_one_goes_on_where_two_stopped(result, tmp_path):
    options = {"XLA_FLAGS": "--xla_force_host_platform_device_count=2", "JAX_PLATFORMS": "cpu"}
    kill_at_first_checkpoint(start(tmp_path, "devices=2", **options), tmp_path)
    resumed = fit(directory=tmp_path)
    for one, other in zip(result.history, resumed.history, strict=True):
        assert one.train_loss == pytest.approx(other.train_loss, rel=1e-4)
        assert one.validation_loss == pytest.approx(other.validation_loss, rel=1e-4)
    with pytest.raises(ValueError, match="another configuration"):
        fit(replace(TRAIN, seed=1), directory=tmp_path)


def test_a_loss_that_is_not_finite_leaves_the_checkpoint(result, tmp_path):
    class Stop(Exception):
        pass

    def stop(_):
        raise Stop

    with pytest.raises(Stop):
        fit(directory=tmp_path, report=stop)
    path = tmp_path / "checkpoint.safetensors"
    tensors, document = tensor_file.read(path)
    tensors = {name: array * np.float32(np.nan) if ".params" in name else array for name, array in tensors.items()}
    tensor_file.write(path, tensors, document)
    before = path.read_bytes()
    with pytest.raises(FloatingPointError, match=r"the loss became nan by epoch 2; lower the learning rate"):
        fit(directory=tmp_path)
    assert path.read_bytes() == before


def test_training_learns_pixels_and_kappa(result):
    first, *_, last = result.history
    assert last.validation_loss < first.validation_loss < 1.5
    assert float(result.params["log_kappa"][0]) != 0


def test_bfloat16_is_of_the_products_alone(result):
    x = jnp.asarray(np.random.default_rng(0).integers(0, 2, (20, 16)), jnp.uint8)

    @functools.partial(jax.jit, static_argnums=0)
    def loss_and_gradient(precision, params):
        def loss(params):
            return negative_elbo(VAE, epochs.in_precision(params, precision), jax.random.key(0), x)

        return jax.value_and_grad(loss)(params)

    loss, gradient = loss_and_gradient("bfloat16", result.params)
    exact_loss, exact = loss_and_gradient("float32", result.params)
    assert (
        loss.dtype == jnp.float32 and loss != exact_loss and float(loss) == pytest.approx(float(exact_loss), rel=0.02)
    )
    flat, exact_flat = (jax.flatten_util.ravel_pytree(tree)[0] for tree in (gradient, exact))
    assert flat.dtype == jnp.float32
    assert jnp.linalg.norm(flat - exact_flat) < 0.05 * jnp.linalg.norm(exact_flat)


@pytest.mark.slow
def test_bfloat16_trains_as_float32_does(result):
    narrow = fit(replace(TRAIN, precision="bfloat16"))
    assert {leaf.dtype for leaf in jax.tree.leaves(narrow.params)} == {jnp.dtype("float32")}
    assert narrow.validation_loss == pytest.approx(result.validation_loss, rel=0.03)


def test_too_few_devices_are_an_error_with_advice():
    with pytest.raises(ValueError, match=r"devices must be at most the \d+ that JAX sees here, got 120; lower it"):
        fit(replace(TRAIN, batch_size=120, devices=120))


def test_pixels_are_drawn_with_the_probability_of_their_grey():
    grey = jnp.arange(256, dtype=jnp.uint8)
    drawn = jax.jit(jax.vmap(epochs.sample_pixels, (0, None)))(jax.random.split(jax.random.key(0), 4000), grey)
    assert drawn.dtype == jnp.uint8 and (drawn[:, 0] == 0).all() and (drawn[:, 255] == 1).all()
    deviations = (np.asarray(drawn).mean(axis=0) - np.arange(256) / 255) * np.sqrt(4000) * 2
    assert np.abs(deviations).max() < 4.5
