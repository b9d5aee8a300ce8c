"""Implicit neural representations: an image is the function of position that a small sine network computes.

The variables of an image are latent weights, which learned linear maps turn into the weights of its sine network
(SIREN, arXiv:2006.09661), and a coarse grid of latent encodings, which a network that all images share upsamples to an
encoding of every position (RECOMBINER, arXiv:2309.17182). Maps and upsampler belong to the model; only the variables
are sent.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Shaped

from recjax.numerics import sine


@dataclass(frozen=True)
class INRShape:
    """Sizes of a representation; the defaults are RECOMBINER's for 32x32 images, with fewer latent weights.

    height, width, channels: of an image. hidden: widths of the layers of sines. fourier: sines and cosines of each
    position, an even number. latents: latent weights of each layer, the last (affine) one among them. grid, encodings:
    rows and columns of the latent encodings, and numbers in each. upsampling: (channels, scale) of each layer of the
    upsampler; the product of the scales takes the grid to the image.
    """

    height: int = 32
    width: int = 32
    channels: int = 3
    hidden: tuple[int, ...] = (32, 32, 32)
    fourier: int = 16
    latents: tuple[int, ...] = (128, 128, 128, 99)
    grid: tuple[int, int] = (2, 2)
    encodings: int = 128
    upsampling: tuple[tuple[int, int], ...] = ((64, 4), (32, 2), (16, 2))

    def __post_init__(self) -> None:
        if len(self.latents) != len(self.hidden) + 1:
            raise ValueError(
                f"there must be latents for each of the {len(self.hidden)} hidden layers and the last, "
                f"got {list(self.latents)}; give one number for each."
            )
        scale = math.prod(scale for _, scale in self.upsampling)
        reached = (scale * self.grid[0], scale * self.grid[1])
        if reached != (self.height, self.width):
            raise ValueError(
                f"the upsampler must take the grid {self.grid} to {self.height}x{self.width}, and takes it to "
                f"{reached[0]}x{reached[1]}; change the scales or the grid."
            )
        if self.fourier % 4:
            raise ValueError(f"fourier must be a multiple of 4 (sines and cosines, two axes), got {self.fourier}.")

    @property
    def layers(self) -> tuple[tuple[int, int], ...]:
        """Inputs and outputs of each layer of the sine network."""
        widths = (self.fourier + self.upsampling[-1][0], *self.hidden, self.channels)
        return tuple(zip(widths[:-1], widths[1:], strict=True))

    @property
    def variables(self) -> int:
        """Numbers that are sent for an image, all in all."""
        return sum(self.latents) + self.grid[0] * self.grid[1] * self.encodings


class Variables(NamedTuple):
    """What is sent of images. layers: latent weights [*batch, latents] of each layer. encoding: [*batch, rows, columns, encodings]."""

    layers: tuple[Any, ...]
    encoding: Any


def split(shape: INRShape, flat: Any) -> Variables:
    """Variables [..., shape.variables] by what they are: layer by layer, then the encodings. NumPy or JAX arrays."""
    ends = np.cumsum((0, *shape.latents))
    layers = tuple(flat[..., a:b] for a, b in zip(ends[:-1], ends[1:], strict=True))
    return Variables(layers, flat[..., ends[-1] :].reshape(*flat.shape[:-1], *shape.grid, shape.encodings))


class Affine(NamedTuple):
    """A linear map from latent weights to the weights of a layer. kernel: [latents, (inputs + 1) * outputs]; the last row of a layer is its bias."""

    kernel: Any
    bias: Any


class Shared(NamedTuple):
    """What all images share. maps: one for each layer of the sine network. upsampler: kernels [9 * inputs, scale^2 * outputs] and biases."""

    maps: tuple[Affine, ...]
    upsampler: tuple[Affine, ...]


W0 = 30.0
"""The sine network computes sin(W0 (W x + b)), by which its first gradients are of the right size (SIREN)."""

LEAK_Q10 = 10
"""Slope of the upsampler's rectifiers below 0, in units of 1/1024."""

_MAP_SCALE = 0.5


def init(shape: INRShape, key: Array) -> Shared:
    """Fresh maps, of SIREN's initial weights and as large changes of them as half their scale, and upsampler."""
    keys = iter(jax.random.split(key, 2 * len(shape.layers) + len(shape.upsampling)))
    maps = []
    for latents, (inputs, outputs) in zip(shape.latents, shape.layers, strict=True):
        bound = math.sqrt(6.0 / inputs) / W0
        bias = jax.random.uniform(next(keys), ((inputs + 1) * outputs,), minval=-bound, maxval=bound)
        spread = _MAP_SCALE * bound / math.sqrt(3.0 * latents)
        maps.append(Affine(spread * jax.random.normal(next(keys), (latents, bias.size)), bias))
    upsampler, inputs = [], shape.encodings
    for outputs, scale in shape.upsampling:
        spread = math.sqrt(2.0 / (9 * inputs))
        kernel = spread * jax.random.normal(next(keys), (9 * inputs, scale * scale * outputs))
        upsampler.append(Affine(kernel, jnp.zeros(scale * scale * outputs)))
        inputs = outputs
    return Shared(tuple(maps), tuple(upsampler))


def render(shape: INRShape, shared: Shared, variables: Variables) -> Float[Array, "batch channels pixels"]:
    """Images of variables [batch, ...]: values of pixels, row by row, that are 0 to 1 where they fit."""
    encoding = upsample(shape, shared.upsampler, variables.encoding)
    fourier = jnp.broadcast_to(jnp.asarray(fourier_features(shape)), (len(encoding), shape.fourier, encoding.shape[2]))
    x = jnp.concatenate([fourier, encoding], axis=1)
    last = len(shape.layers) - 1
    for number, (latent, layer, (inputs, outputs)) in enumerate(
        zip(variables.layers, shared.maps, shape.layers, strict=True)
    ):
        weights = (latent @ layer.kernel + layer.bias).reshape(-1, inputs + 1, outputs)
        x = jnp.einsum("bio,bip->bop", weights[:, :-1], x) + weights[:, -1][..., None]
        x = x + 0.5 if number == last else sine(W0 * x)
    return x


def upsample(
    shape: INRShape, upsampler: tuple[Affine, ...], encoding: Float[Array, "batch rows columns encodings"]
) -> Float[Array, "batch features pixels"]:
    """An encoding of every position, row by row."""
    x = encoding
    for number, (layer, (_, scale)) in enumerate(zip(upsampler, shape.upsampling, strict=True)):
        x = neighbourhoods(x) @ layer.kernel + layer.bias
        if number + 1 < len(upsampler):
            x = jnp.where(x > 0, x, x * (LEAK_Q10 / 1024))
        x = spread_out(x, scale)
    return jnp.moveaxis(x.reshape(len(x), -1, x.shape[-1]), 1, 2)


def neighbourhoods(x: Shaped[Array, "batch rows columns features"]) -> Shaped[Array, "batch rows columns 9*features"]:
    """Each position with its eight neighbours, 0 beyond the edge: a convolution is a product of these and a matrix."""
    _, rows, columns, _ = x.shape
    padded = jnp.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    return jnp.concatenate([padded[:, r : r + rows, c : c + columns] for r in range(3) for c in range(3)], axis=-1)


def spread_out(x: Shaped[Array, "batch rows columns outputs"], scale: int) -> Shaped[Array, "batch tall wide features"]:
    """Outputs of a position as scale x scale positions (sub-pixel convolution, arXiv:1609.05158)."""
    batch, rows, columns, outputs = x.shape
    x = x.reshape(batch, rows, columns, scale, scale, outputs // scale**2)
    return jnp.moveaxis(x, 3, 2).reshape(batch, rows * scale, columns * scale, -1)


def fourier_features(shape: INRShape) -> Float[np.ndarray, "features pixels"]:
    """Sines and cosines of rows and columns, in octaves from half a period over the image on."""
    octaves = np.pi * 2.0 ** np.arange(shape.fourier // 4)
    rows = (np.arange(shape.height) + 0.5) / shape.height
    columns = (np.arange(shape.width) + 0.5) / shape.width
    places = np.stack(np.meshgrid(rows, columns, indexing="ij")).reshape(2, 1, -1)
    phases = (octaves[None, :, None] * places).reshape(-1, shape.height * shape.width)
    return np.concatenate([np.sin(phases), np.cos(phases)]).astype(np.float32)
