"""Implicit neural representations, where an image is the function of position that a small sine network computes.

The variables of a patch are latent weights, which learned linear maps turn into the weights of its sine network (SIREN,
arXiv:2006.09661), and a coarse grid of latent encodings, which a network that all patches share upsamples to an
encoding of every position (RECOMBINER, arXiv:2309.17182). Maps and upsampler belong to the model; only the variables
are sent. Patches of one picture lie on one grid of encodings, so that there are no seams between them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int32, Shaped

from recjax.models.inr import mosaic
from recjax.models.inr.mosaic import Mosaic
from recjax.numerics import sine


@dataclass(frozen=True)
class INRShape:
    """Sizes of a representation.

    Attributes:
        height: Height of a patch, in pixels.
        width: Width of a patch, in pixels.
        channels: Channels of a patch.
        hidden: Widths of the layers of sines.
        fourier: Number of sines and cosines of each position, a multiple of 4.
        latents: Number of latent weights of each layer of sines, and of the last, affine layer.
        grid: Rows and columns of a patch's latent encodings.
        encodings: Numbers in each latent encoding.
        upsampling: (channels, scale) of each layer of the upsampler; the product of the scales takes the grid to the
            patch.
    """

    height: int = 32
    width: int = 32
    channels: int = 3
    hidden: tuple[int, ...] = (32, 32, 32)
    fourier: int = 16
    latents: tuple[int, ...] = (64, 64, 64, 32)
    grid: tuple[int, int] = (2, 2)
    encodings: int = 256
    upsampling: tuple[tuple[int, int], ...] = ((32, 4), (16, 2), (16, 2))

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
        return tuple(pairwise(widths))

    @property
    def variables(self) -> int:
        """Number of variables of a patch, latent weights and encodings."""
        return sum(self.latents) + self.grid[0] * self.grid[1] * self.encodings


class Variables(NamedTuple):
    """The variables of patches.

    Attributes:
        layers: Latent weights of each layer, [*batch, latents].
        encoding: Latent encodings, [*batch, rows, columns, encodings].
    """

    layers: tuple[Any, ...]
    encoding: Any


def split(shape: INRShape, flat: Any) -> Variables:
    """Splits variables into latent weights, layer by layer, and encodings.

    Args:
        shape: Sizes of the representations.
        flat: Variables [..., shape.variables], a NumPy or JAX array.

    Returns:
        The parts.
    """
    ends = np.cumsum((0, *shape.latents))
    layers = tuple(flat[..., a:b] for a, b in pairwise(ends))
    return Variables(layers, flat[..., ends[-1] :].reshape(*flat.shape[:-1], *shape.grid, shape.encodings))


class Affine(NamedTuple):
    """An affine map of rows: x @ kernel + bias.

    In a map from latent weights to the weights of a layer, the kernel is [latents, (inputs + 1) * outputs], and the
    last row of the layer's weights is its bias.

    Attributes:
        kernel: Kernel [inputs, outputs].
        bias: Bias [outputs].
    """

    kernel: Any
    bias: Any


class Shared(NamedTuple):
    """The parts of a model that all images share.

    Attributes:
        maps: For each layer of the sine network, the map from its latent weights to its weights.
        upsampler: Layers with kernels [9 * inputs, scale^2 * outputs].
    """

    maps: tuple[Affine, ...]
    upsampler: tuple[Affine, ...]


W0 = 30.0
"""Factor in the layers sin(W0 (W x + b)) of the sine network, which gives first gradients the right size (SIREN)."""

LEAK_Q10 = 10
"""Slope of the upsampler's rectifiers below 0, in units of 1/1024."""

_MAP_SCALE = 0.5
"""Scale of the changes that latents make to a layer's first weights, relative to these weights."""


def init(shape: INRShape, key: Array) -> Shared:
    """Draws initial parameters: SIREN's initial weights, maps that change them by half their scale, and the upsampler.

    Args:
        shape: Sizes of the representations.
        key: Key of `jax.random`.

    Returns:
        Maps and upsampler.
    """
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


def render(
    shape: INRShape, shared: Shared, variables: Float[Array, "picture tall wide variable"]
) -> Float[Array, "patch channel pixel"]:
    """Renders patches of pictures in floats.

    Args:
        shape: Sizes of the representations.
        shared: Maps and upsampler.
        variables: Variables of the patches of pictures of tall x wide patches.

    Returns:
        Patches, picture by picture and row by row. Pixels are 0 to 1 where the representation fits; they are not
        clipped.
    """
    parts = split(shape, variables.reshape(-1, shape.variables))
    whole = mosaic.make((), *variables.shape[:3])
    features = upsample(shape, shared.upsampler, parts.encoding, whole.near)
    patches = (_weights(shape, shared, parts), features)
    return over_patches(lambda patch: _render_patch(shape, *patch), patches, whole.count)


def squared_errors(
    shape: INRShape,
    shared: Shared,
    variables: Float[Array, "patch variable"],
    pixels: Float[Array, "patch channel pixel"],
    whole: Mosaic,
) -> Float[Array, "patch"]:
    """Computes the squared error of each patch.

    Args:
        shape: Sizes of the representations.
        shared: Maps and upsampler.
        variables: Variables of the patches.
        pixels: Pixels of the patches, from 0 to 1.
        whole: The patches, in the same order.

    Returns:
        The sum of squared errors over the pixels and channels of each patch, 0 for padding.
    """
    parts = split(shape, variables)
    features = upsample(shape, shared.upsampler, parts.encoding, whole.near)
    errors = _patch_errors(shape, _weights(shape, shared, parts), features, pixels, whole.count)
    return jnp.where(jnp.arange(len(errors), dtype=jnp.int32) < whole.count, errors, 0.0)


def over_patches(function: Callable[[Any], Any], patches: Any, count: Any) -> Any:
    """Applies a function to each of the first patches, on CPUs one after the other.

    On a CPU the products are of small matrices, and one patch at a time keeps everything between them in the cache.

    Args:
        function: Takes the arrays of one patch.
        patches: A pytree of arrays with a leading axis of patches.
        count: Number of patches that matter.

    Returns:
        Results with a leading axis of patches; those from `count` on have no meaning.
    """
    if jax.default_backend() != "cpu":
        return jax.vmap(function)(patches)
    last = len(jax.tree.leaves(patches)[0]) - 1

    def of(place):
        return function(jax.tree.map(lambda leaf: leaf[place], patches))

    def two(number, results):
        for place in (2 * number, 2 * number + 1):
            place = jnp.minimum(place, last)
            results = jax.tree.map(lambda whole, part, place=place: whole.at[place].set(part), results, of(place))
        return results

    every = jax.eval_shape(of, 0)
    blank = jax.tree.map(lambda leaf: jnp.zeros((last + 1, *leaf.shape), leaf.dtype), every)
    return jax.lax.fori_loop(0, (count + 1) // 2, two, blank)


def _weights(shape: INRShape, shared: Shared, parts: Variables) -> tuple[Any, ...]:
    """Computes the weights [patch, inputs + 1, outputs] of each layer of the sine network."""
    return tuple(
        (latent.reshape(-1, latent.shape[-1]) @ layer.kernel + layer.bias).reshape(-1, inputs + 1, outputs)
        for latent, layer, (inputs, outputs) in zip(parts.layers, shared.maps, shape.layers, strict=True)
    )


def _render_patch(shape: INRShape, weights: tuple[Any, ...], features: Any) -> Float[Array, "channel pixel"]:
    x = jnp.concatenate([jnp.asarray(fourier_features(shape)), features])
    for layer in weights[:-1]:
        x = sine(W0 * (layer[:-1].T @ x + layer[-1][:, None]))
    return weights[-1][:-1].T @ x + (weights[-1][-1][:, None] + 0.5)


def _plain_patch_errors(shape: INRShape, weights, features, pixels, count) -> Float[Array, "patch"]:
    return over_patches(lambda patch: _patch_error(shape, *patch), (weights, features, pixels), count)


def _patch_error(shape: INRShape, weights, features, pixels) -> Float[Array, ""]:
    return jnp.square(_render_patch(shape, weights, features) - pixels).sum()


# The error of a patch and its gradients are computed together, so that no activations are kept for the backward pass.
def _patch_errors_forward(shape: INRShape, weights, features, pixels, count):
    both = jax.value_and_grad(partial(_patch_error, shape), argnums=(0, 1))
    return over_patches(lambda patch: both(*patch), (weights, features, pixels), count)


def _patch_errors_backward(shape: INRShape, slopes, cotangent):
    def scaled(slope):
        return slope * cotangent.reshape(-1, *(1,) * (slope.ndim - 1))

    return (*jax.tree.map(scaled, slopes), None, None)


_patch_errors = jax.custom_vjp(_plain_patch_errors, nondiff_argnums=(0,))
_patch_errors.defvjp(_patch_errors_forward, _patch_errors_backward)


def upsample(
    shape: INRShape,
    upsampler: tuple[Affine, ...],
    encoding: Float[Array, "patch row column encoding"],
    near: Int32[Array | np.ndarray, "patch 3 3"],
) -> Float[Array, "patch feature pixel"]:
    """Computes an encoding of every position of every patch.

    Args:
        shape: Sizes of the representations.
        upsampler: Layers of the upsampler.
        encoding: Latent encodings of the patches.
        near: Numbers of neighbours, see `Mosaic`.

    Returns:
        Encodings of the positions, as inputs of the sine network.
    """
    x = encoding
    for number, (layer, (_, scale)) in enumerate(zip(upsampler, shape.upsampling, strict=True)):
        x = neighbourhoods(mosaic.with_edges(x, jnp.asarray(near))) @ layer.kernel + layer.bias
        if number + 1 < len(upsampler):
            x = jnp.where(x > 0, x, x * (LEAK_Q10 / 1024))
        x = spread_out(x, scale)
    return channels_first(x)


def channels_first(x: Shaped[Array, "patch row column feature"]) -> Shaped[Array, "patch feature pixel"]:
    """Rearranges values of patches into inputs of the sine network.

    Args:
        x: Values by position.

    Returns:
        Values by feature, positions row by row.
    """
    return jnp.moveaxis(x, 3, 1).reshape(len(x), x.shape[3], -1)


def join_patches(x: Shaped[Array, "picture tall wide row column feature"]) -> Shaped[Array, "picture y x feature"]:
    """Joins the grids of a picture's patches to one grid.

    Args:
        x: Grids of the patches of pictures of tall x wide patches.

    Returns:
        One grid for each picture.
    """
    pictures, tall, wide, rows, columns, features = x.shape
    return jnp.moveaxis(x, 3, 2).reshape(pictures, tall * rows, wide * columns, features)


def to_patches(shape: INRShape, x: Shaped[Array | np.ndarray, "picture y x channel"]) -> Any:
    """Cuts pictures into patches, row by row.

    Args:
        shape: Sizes of the representations.
        x: Pictures of whole patches, a NumPy or JAX array.

    Returns:
        Patches [patch, channel, pixel].
    """
    pictures, y_size, x_size, channels = x.shape
    x = x.reshape(pictures, y_size // shape.height, shape.height, x_size // shape.width, shape.width, channels)
    return x.transpose(0, 1, 3, 5, 2, 4).reshape(-1, channels, shape.height * shape.width)


def from_patches(
    shape: INRShape, patches: Shaped[Array | np.ndarray, "patch channel pixel"], tall: int, wide: int
) -> Any:
    """Joins patches to pictures, as the inverse of `to_patches`.

    Args:
        shape: Sizes of the representations.
        patches: Patches, picture by picture and row by row, a NumPy or JAX array.
        tall: Rows of patches of a picture.
        wide: Columns of patches of a picture.

    Returns:
        Pictures [picture, y, x, channel].
    """
    x = patches.reshape(-1, tall, wide, patches.shape[1], shape.height, shape.width)
    return x.transpose(0, 1, 4, 2, 5, 3).reshape(-1, tall * shape.height, wide * shape.width, patches.shape[1])


def neighbourhoods(x: Shaped[Array, "batch row+2 column+2 feature"]) -> Shaped[Array, "batch row column 9*feature"]:
    """Joins the features of each position and its eight neighbours, so that a 3x3 convolution is a matrix product.

    Args:
        x: Values with one row or column more on each side, see `recjax.models.inr.mosaic.with_edges`.

    Returns:
        The nine features of each position within these edges, row by row.
    """
    rows, columns = x.shape[1] - 2, x.shape[2] - 2
    return jnp.concatenate([x[:, r : r + rows, c : c + columns] for r in range(3) for c in range(3)], axis=-1)


def spread_out(x: Shaped[Array, "batch row column output"], scale: int) -> Shaped[Array, "batch tall wide feature"]:
    """Spreads the outputs of each position over scale x scale positions (sub-pixel convolution, arXiv:1609.05158).

    Args:
        x: Outputs, scale^2 times as many as features.
        scale: Positions along each side that replace one position.

    Returns:
        Features of the finer positions.
    """
    batch, rows, columns, outputs = x.shape
    x = x.reshape(batch, rows, columns, scale, scale, outputs // scale**2)
    return jnp.moveaxis(x, 3, 2).reshape(batch, rows * scale, columns * scale, -1)


def fourier_features(shape: INRShape) -> Float[np.ndarray, "feature pixel"]:
    """Computes sines and cosines of the rows and columns of a patch.

    Args:
        shape: Sizes of the representations.

    Returns:
        Features of the middle of each pixel, in octaves that start with half a period over the patch (float32): sines
        of rows and of columns, then cosines.
    """
    octaves = np.pi * 2.0 ** np.arange(shape.fourier // 4)
    rows = (np.arange(shape.height) + 0.5) / shape.height
    columns = (np.arange(shape.width) + 0.5) / shape.width
    places = np.stack(np.meshgrid(rows, columns, indexing="ij")).reshape(2, 1, -1)
    phases = (octaves[None, :, None] * places).reshape(-1, shape.height * shape.width)
    return np.concatenate([np.sin(phases), np.cos(phases)]).astype(np.float32)
