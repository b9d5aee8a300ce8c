"""Representations in floats against a plain NumPy network, and in integers against the floats."""

import dataclasses
from decimal import ROUND_DOWN, Context, localcontext

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.signal

from recjax.models.inr import exact as inr_exact
from recjax.models.inr import model as inr_model
from recjax.models.inr import mosaic
from recjax.models.inr import network as inr
from recjax.models.inr.exact import UNIT_BITS
from recjax.models.inr.network import INRShape


def _numpy_picture(shape: INRShape, shared, variables: np.ndarray) -> np.ndarray:
    """One picture of tall x wide patches, pixel by pixel of each patch, in float64."""
    tall, wide, _ = variables.shape
    parts = inr.split(shape, variables.astype(np.float64))
    x = np.block(
        [[[parts.encoding[r, c, :, :, k] for c in range(wide)] for r in range(tall)] for k in range(shape.encodings)]
    )
    x = x.reshape(shape.encodings, tall * shape.grid[0], wide * shape.grid[1]) if x.ndim == 3 else x
    for number, (layer, (outputs, scale)) in enumerate(zip(shared.upsampler, shape.upsampling, strict=True)):
        kernel = np.asarray(layer.kernel, np.float64).reshape(3, 3, len(x), scale, scale, outputs)
        grown = np.zeros((outputs, scale * x.shape[1], scale * x.shape[2]))
        for a in range(scale):
            for b in range(scale):
                for o in range(outputs):
                    own = sum(
                        scipy.signal.correlate2d(x[i], kernel[:, :, i, a, b, o], mode="same") for i in range(len(x))
                    )
                    bias = np.asarray(layer.bias, np.float64).reshape(scale, scale, outputs)[a, b, o]
                    grown[o, a::scale, b::scale] = own + bias
        last = number + 1 == len(shape.upsampling)
        x = grown if last else np.where(grown > 0, grown, grown * inr.LEAK_Q10 / 1024)
    fourier = inr.fourier_features(shape).astype(np.float64)
    picture = np.zeros((tall * shape.height, wide * shape.width, shape.channels))
    for r in range(tall):
        for c in range(wide):
            rows, columns = (slice(k * s, (k + 1) * s) for k, s in ((r, shape.height), (c, shape.width)))
            features = x[:, rows, columns].reshape(x.shape[0], -1)
            y = np.concatenate([fourier, features])
            for number, (layer, (inputs, outputs)) in enumerate(zip(shared.maps, shape.layers, strict=True)):
                flat = parts.layers[number][r, c] @ np.asarray(layer.kernel, np.float64) + np.asarray(layer.bias)
                weights = flat.reshape(inputs + 1, outputs)
                y = weights[:-1].T @ y + weights[-1][:, None]
                y = y + 0.5 if number + 1 == len(shape.layers) else np.sin(inr.W0 * y)
            picture[rows, columns] = y.T.reshape(shape.height, shape.width, -1)
    return picture


def test_floats_are_the_network_s(tiny_shape):
    shared = inr.init(tiny_shape, jax.random.key(0))
    variables = np.random.default_rng(1).normal(size=(1, 2, 3, tiny_shape.variables)).astype(np.float32)
    patches = inr.render(tiny_shape, shared, jnp.asarray(variables))
    found = inr.from_patches(tiny_shape, patches, 2, 3)[0]
    np.testing.assert_allclose(found, _numpy_picture(tiny_shape, shared, variables[0]), atol=2e-3)


def test_patches_come_back(tiny_shape):
    pictures = np.random.default_rng(0).integers(0, 256, (2, 16, 24, 3))
    patches = inr.to_patches(tiny_shape, jnp.asarray(pictures))
    np.testing.assert_array_equal(patches[4].reshape(3, 8, 8), np.moveaxis(pictures[0, 8:16, 8:16], -1, 0))
    np.testing.assert_array_equal(inr.from_patches(tiny_shape, patches, 2, 3), pictures)


def test_integers_show_what_floats_do(tiny_model):
    model, _ = tiny_model
    rng = np.random.default_rng(0)
    units = rng.normal(size=(3, 1, model.shape.variables)).astype(np.float32)
    fixed = np.rint(units * 2**UNIT_BITS).astype(np.int32)
    patches = inr_model.render(model, 1, (jnp.asarray(fixed[:, 0]),), mosaic.make(model.spans, 3, 1, 1))
    shown = np.asarray(inr.from_patches(model.shape, patches, 1, 1), np.float64)
    floats = inr_model.floats(model, 1)
    variables = floats.prior.mean[0] + floats.prior.scale[0] * units
    patches = inr.render(model.shape, floats.shared, variables[:, :, None])
    wanted = 255 * np.clip(np.asarray(inr.from_patches(model.shape, patches, 1, 1)), 0, 1)
    assert np.abs(shown - wanted).max() < 2.0 and np.abs(shown - wanted).mean() < 0.6


def test_the_sine_table_is_the_sine():
    phase = np.arange(-3 << 16, 3 << 16, 7, dtype=np.int32)
    found = np.asarray(inr_exact.sine(jnp.asarray(phase))) / 2**inr_exact.VALUE_BITS
    np.testing.assert_allclose(found, np.sin(2 * np.pi * phase / 2**16), atol=1e-4)
    table = inr_exact.sine_table()
    assert int(np.sum(table * np.arange(len(table), dtype=np.int64) ** 2 % 1_000_003)) == GOLDEN_TABLE


def test_the_sine_table_does_not_depend_on_the_decimal_context():
    inr_exact._sine_table.cache_clear()
    with localcontext(Context(prec=6, rounding=ROUND_DOWN)):
        changed = inr_exact.sine_table()
    inr_exact._sine_table.cache_clear()
    np.testing.assert_array_equal(changed, inr_exact.sine_table())


def test_integers_never_drift(tiny_shape):
    """Pixels of a model that is made of integers here: what a file shows must never change."""
    rng = np.random.RandomState(0)

    def layer(inputs, outputs):
        high = rng.randint(-20, 21, (inputs, outputs)).astype(np.int8)
        low = rng.randint(-128, 128, (inputs, outputs)).astype(np.int8)
        bias = rng.randint(-(1 << 16), 1 << 16, outputs).astype(np.int32)
        return inr_exact.ExactLayer(high, low, bias, np.full(outputs, 8, np.int32))

    maps = tuple(layer(n, (a + 1) * b) for n, (a, b) in zip(tiny_shape.latents, tiny_shape.layers, strict=True))
    inputs, upsampler = tiny_shape.encodings, []
    for outputs, scale in tiny_shape.upsampling:
        upsampler.append(layer(9 * inputs, scale**2 * outputs))
        inputs = outputs
    place = (*tiny_shape.grid, tiny_shape.encodings)
    loc, scale = (rng.randint(-(1 << 12), 1 << 12, place).astype(np.int32) for _ in range(2))
    network = inr_exact.ExactINR(maps, loc, scale, np.int32(12), tuple(upsampler))
    latents = rng.randint(-(1 << 13), 1 << 13, (1, 2, 2, tiny_shape.variables)).astype(np.int32)
    render = jax.jit(inr_exact.render, static_argnums=0)

    def shown(latents, patches):
        pictures = len(latents)
        padding = np.full((patches - 4 * pictures, tiny_shape.variables), 7, np.int32)
        rows = np.concatenate([latents.reshape(-1, tiny_shape.variables), padding])
        found = render(tiny_shape, network, rows, mosaic.make((1,), pictures, 2, 2, patches))
        return np.asarray(inr.from_patches(tiny_shape, found[: 4 * pictures], 2, 2), np.int64)

    alone = shown(latents, 4)
    weights = np.arange(1, alone.size + 1).reshape(alone.shape)
    assert int((alone * weights % 1_000_003).sum()) == GOLDEN_PIXELS
    np.testing.assert_array_equal(shown(np.concatenate([latents, latents[:, ::-1]]), 11)[:1], alone)


GOLDEN_TABLE = 2_043_226_917
GOLDEN_PIXELS = 37_544_752


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"latents": (6, 6)}, "for each of the 2 hidden layers"),
        ({"upsampling": ((8, 2), (4, 4))}, "takes it to 16x16"),
        ({"fourier": 6}, "multiple of 4"),
    ],
)
def test_sizes_that_do_not_fit_are_told(tiny_shape, change, told):
    with pytest.raises(ValueError, match=told):
        dataclasses.replace(tiny_shape, **change)
