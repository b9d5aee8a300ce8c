"""Lists of patches: what lies beside a patch, on whole grids and in gradients, and padding that changes nothing."""

import jax
import jax.numpy as jnp
import numpy as np

from recjax.codecs.lossy.layout import Layout
from recjax.models.inr import fit as inr_fit
from recjax.models.inr import hierarchy as levels
from recjax.models.inr import model as inr_model
from recjax.models.inr import mosaic
from recjax.models.inr import network as inr

PICTURES, TALL, WIDE, SIDE = 2, 3, 2, 2


def on_a_grid(x):
    """Patches [patch, row, column, feature] with edges, by way of whole pictures."""
    whole = x.reshape(PICTURES, TALL, WIDE, SIDE, SIDE, -1).swapaxes(2, 3)
    whole = whole.reshape(PICTURES, TALL * SIDE, WIDE * SIDE, -1)
    padded = jnp.pad(whole, ((0, 0), (1, 1), (1, 1), (0, 0)))
    cut = [
        padded[picture, SIDE * row : SIDE * row + SIDE + 2, SIDE * column : SIDE * column + SIDE + 2]
        for picture in range(PICTURES)
        for row in range(TALL)
        for column in range(WIDE)
    ]
    return jnp.stack(cut)


def test_edges_and_their_gradients_are_those_of_whole_pictures():
    rng = np.random.default_rng(0)
    count, patches = PICTURES * TALL * WIDE, 16
    x = jnp.asarray(rng.normal(size=(patches, SIDE, SIDE, 3)), jnp.float32)
    slope = jnp.asarray(rng.normal(size=(patches, SIDE + 2, SIDE + 2, 3)), jnp.float32)
    near = mosaic.make((1,), PICTURES, TALL, WIDE, patches).near
    found, back = jax.vjp(lambda x: mosaic.with_edges(x, near), x)
    wanted, back_wanted = jax.vjp(on_a_grid, x[:count])
    np.testing.assert_array_equal(found[:count], wanted)
    np.testing.assert_allclose(back(slope)[0][:count], back_wanted(slope[:count])[0], rtol=1e-6, atol=1e-6)
    # Padding sees nothing, and nothing sees it.
    assert not np.asarray(found[count:, 0]).any()
    np.testing.assert_array_equal(back(slope)[0][count:], slope[count:, 1:-1, 1:-1])


def test_errors_and_gradients_do_not_depend_on_padding(tiny_photo_model):
    model, pictures = tiny_photo_model
    floats, variables = inr_model.floats(model, 0), model.shape.variables
    layout = Layout(model.spans, 1, 3, 3)
    assert layout.squares == (4, 9) and layout.padded_squares == (4, 12)
    rng = np.random.default_rng(0)
    units = tuple(rng.normal(size=(count, variables)).astype(np.float32) for count in layout.squares)
    pixels = inr_fit.pixels_of(model.shape, np.tile(pictures[:1], (1, 2, 2, 1))[:, :24, :24])

    @jax.jit
    def slopes(units, pixels, whole):
        def total(units):
            return inr_fit.patch_errors(model.shape, floats.shared, floats.prior, units, pixels, whole).sum()

        return jax.value_and_grad(total)(units)

    wanted, down_wanted = slopes(units, pixels, mosaic.make(model.spans, 1, 3, 3))
    padded = tuple(layout.padded(number, own[None]) for number, own in enumerate(units))
    found, down = slopes(padded, np.concatenate([pixels, pixels[:3] + 1]), layout.mosaic())
    np.testing.assert_allclose(found, wanted, rtol=1e-6)
    for number, count in enumerate(layout.squares):
        np.testing.assert_allclose(down[number][:count], down_wanted[number], rtol=1e-4, atol=1e-4)
        assert not np.asarray(down[number][count:]).any()


def test_squares_are_numbered_picture_by_picture():
    assert levels.squares_of(2, 2, 3, 2).tolist() == [0, 0, 0, 0, 1, 1, 2, 2, 2, 2, 3, 3]


def test_pictures_and_patches_of_the_host_are_arrays_of_the_host(tiny_shape):
    pictures = np.zeros((1, 8, 16, 3), np.uint8)
    patches = inr.to_patches(tiny_shape, pictures)
    assert isinstance(patches, np.ndarray) and isinstance(inr.from_patches(tiny_shape, patches, 1, 2), np.ndarray)
