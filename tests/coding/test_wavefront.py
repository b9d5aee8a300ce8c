import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.coding import rans
from recjax.coding.codec import masked, uniform
from recjax.coding.sequence import scan
from recjax.coding.wavefront import autoregressive, wavefront


@pytest.mark.parametrize(
    ("shape", "radius", "steps"), [((28, 28), 2, 109), ((28, 28), 3, 136), ((3, 5), 1, 9), ((1, 4), 2, 4)]
)
def test_every_pixel_is_decoded_once_and_after_all_that_it_sees(shape, radius, steps):
    place, neighbours = wavefront(shape, radius)
    pixels = shape[0] * shape[1]
    assert len(place) == steps
    assert sorted(place[place < pixels]) == list(range(pixels))
    step_of = np.zeros(pixels + 1, int)
    step_of[pixels] = -1
    for step, members in enumerate(place):
        step_of[members[members < pixels]] = step
    assert (step_of[neighbours] < step_of[:pixels, None]).all()
    assert neighbours.shape == (pixels, 2 * radius * (radius + 1))


def test_a_pixel_sees_its_rows_above_and_its_left():
    numbers = np.arange(25).reshape(5, 5)
    _, neighbours = wavefront((5, 5), 2)
    assert neighbours[12].tolist() == [*numbers[:2].ravel(), 10, 11]
    assert neighbours[0].tolist() == [25] * 12
    assert neighbours[9].tolist() == [25] * 5 + [2, 3, 4, 25, 25, 7, 8]
    assert neighbours[10].tolist() == [25, 25, 0, 1, 2, 25, 25, 5, 6, 7, 25, 25]


@pytest.mark.parametrize("lanes", [1, 5])
def test_images_come_back_though_laws_depend_on_decoded_pixels(lanes, assert_same_message):
    place, neighbours = map(jnp.asarray, wavefront((3, 5), 1))

    def codec_at(here, image):
        seen = image[neighbours[jnp.minimum(here, 14)]].sum(axis=1, dtype=jnp.uint32)
        return scan(lambda one: masked(uniform(one[0] + 3), one[1]), (seen, here < 15))

    codec = autoregressive(place, 15, codec_at)
    image = jnp.asarray(np.random.default_rng(0).integers(0, 3, (15, lanes)), jnp.uint32)
    empty = rans.empty((), lanes, 100)
    message = jax.jit(codec.push)(empty, image)
    assert int(message.fault) == 0 and not codec.pops_any_message
    after, popped = jax.jit(codec.pop)(message)
    assert np.array_equal(popped, image)
    assert_same_message(after, empty)
