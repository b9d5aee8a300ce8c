"""From a trained representation model to the integers of `recjax.models.inr_exact`."""

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from recjax.models import inr, inr_exact
from recjax.models.exact import LIMIT, ExactLayer
from recjax.models.inr import INRShape, Shared
from recjax.models.inr_exact import UNIT_BITS, VALUE_BITS, WEIGHT_BITS, ExactINR
from recjax.models.quantise import HEADROOM, convert
from recjax.models.weight_posterior import Gaussian

_MAX_FRACTION_BITS = 16
_SCALE_LIMIT = 1 << 14


def to_exact(
    shape: INRShape, shared: Shared, prior: Gaussian, latents: Float[np.ndarray, "image variables"]
) -> ExactINR:
    """The integer network of a model; `latents`, in units of the prior, are typical ones, by which scales are set."""
    means, scales, units = (inr.split(shape, np.asarray(x, np.float64)) for x in (*prior, latents))
    maps = tuple(
        _map(number + 1 == len(shape.layers), layer, means.layers[number], scales.layers[number], units.layers[number])
        for number, layer in enumerate(shared.maps)
    )
    mean, scale = means.encoding, scales.encoding
    x = mean + scale * units.encoding
    bits = _fraction_bits(x)
    shift = int(np.floor(np.log2(_SCALE_LIMIT / scale.max()))) + UNIT_BITS - bits
    shift = min(shift, 30 - int(np.ceil(np.log2(np.abs(mean).max() * 2.0**bits + 1))))
    loc = np.rint(np.ldexp(mean, bits + shift)).astype(np.int32)
    steps = np.rint(np.ldexp(scale, bits + shift - UNIT_BITS)).astype(np.int32)
    upsampler = []
    for number, (layer, (_, size)) in enumerate(zip(shared.upsampler, shape.upsampling, strict=True)):
        near = np.asarray(inr.neighbourhoods(jnp.asarray(x, jnp.float32)), np.float64)
        near = near.reshape(-1, near.shape[-1])
        kernel, bias = np.asarray(layer.kernel, np.float64), np.asarray(layer.bias, np.float64)
        outputs = near @ kernel + bias
        wanted = VALUE_BITS if number + 1 == len(shape.upsampling) else _fraction_bits(outputs)
        upsampler.append(_one(kernel, bias, near, bits, wanted))
        if number + 1 < len(shape.upsampling):
            outputs = np.where(outputs > 0, outputs, outputs * inr.LEAK_Q10 / 1024)
        x, bits = inr.spread_out(outputs.reshape(*x.shape[:3], -1), size), wanted
    return ExactINR(maps, jnp.asarray(loc), jnp.asarray(steps), jnp.int32(shift), tuple(upsampler))


def _map(last: bool, layer: inr.Affine, mean, scale, latents: np.ndarray) -> ExactLayer:
    """The prior's mean and scale belong to the map, and the factor of the sine's argument, in turns."""
    factor = 1.0 if last else inr.W0 / (2 * np.pi)
    kernel, mean, scale = (np.asarray(x, np.float64) for x in (layer.kernel, mean, scale))
    bias = factor * (np.asarray(layer.bias, np.float64) + mean @ kernel)
    return _one(factor * scale[:, None] * kernel, bias, latents, UNIT_BITS, WEIGHT_BITS)


def _one(kernel, bias, inputs, input_bits: int, output_bits: int) -> ExactLayer:
    wanted = np.full(bias.shape, output_bits)
    return convert([(kernel, bias)], inputs, input_fraction_bits=input_bits, output_fraction_bits=wanted).layers[0]


def _fraction_bits(x: np.ndarray) -> int:
    return min(int(np.floor(np.log2(LIMIT / (HEADROOM * np.abs(x).max() + 1e-9)))), _MAX_FRACTION_BITS)


def fixed(latents: np.ndarray) -> np.ndarray:
    """Latents in units of the prior as integers of `inr_exact.render`."""
    return np.rint(np.asarray(latents, np.float64) * 2.0**inr_exact.UNIT_BITS).astype(np.int32)
