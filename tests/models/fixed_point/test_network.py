"""Exact networks: the same integers for every batch shape and compilation, equal to big-integer arithmetic."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax.models.fixed_point import network as exact
from recjax.models.fixed_point.convert import convert


def float_layers(widths, seed=0, scale=1.0):
    rng = np.random.default_rng(seed)
    return [
        (scale * rng.normal(size=(a, b)) / np.sqrt(a), 0.1 * rng.normal(size=b)) for a, b in itertools.pairwise(widths)
    ]


def make_network(widths=(16, 48, 32, 10), output_bits=8, weight_bits=16, **options):
    layers = float_layers(widths, **options)
    calibration = np.random.default_rng(1).normal(size=(200, widths[0]))
    bits = np.full(widths[-1], output_bits)
    given = {"input_fraction_bits": 12, "output_fraction_bits": bits, "weight_bits": weight_bits}
    return convert(layers, calibration, **given), layers


def twin(network, x):
    """The layer's formula in int64 NumPy, from whole 16-bit weights."""
    x = np.clip(np.asarray(x, np.int64), -exact.LIMIT, exact.LIMIT)
    for position, layer in enumerate(network.layers):
        low = np.asarray(layer.weight_low, np.int64)
        weights = 256 * np.asarray(layer.weight_high, np.int64) + low
        sums = (x @ weights) >> 8
        right, left = np.maximum(layer.shift, 0), np.maximum(-np.asarray(layer.shift, np.int64), 0)
        rounded = (sums + np.asarray(layer.bias) + ((1 << right) >> 1)) >> right
        x = np.clip(np.clip(rounded, -exact.LIMIT, exact.LIMIT) << left, -exact.LIMIT, exact.LIMIT)
        if position + 1 < len(network.layers):
            x = np.maximum(x, 0)
    return x


def inputs(rows, width=16, seed=2, largest=2**15):
    return np.random.default_rng(seed).integers(-largest, largest, (rows, width)).astype(np.int32)


def test_digits_rebuild_every_number():
    x = np.arange(-exact.LIMIT, exact.LIMIT + 1)
    high, low = exact.split_digits(x)
    assert (256 * high + low == x).all()
    assert min(high.min(), low.min()) >= -128 and max(high.max(), low.max()) <= 127


@pytest.mark.parametrize(("largest", "weight_bits"), [(2**10, 16), (2**15, 16), (2**20, 16), (2**15, 8)])
def test_agrees_with_wide_integers(largest, weight_bits):
    network, _ = make_network(weight_bits=weight_bits)
    x = inputs(50, largest=largest)
    np.testing.assert_array_equal(jax.jit(exact.apply)(network, jnp.asarray(x)), twin(network, x))


@pytest.mark.parametrize("batch", [(), (17,), (2, 5)], ids=str)
def test_batch_shape_and_compilation_do_not_matter(batch):
    network, _ = make_network()
    x = inputs(64)
    wanted = twin(network, x)
    count = int(np.prod(batch, dtype=int))
    part = jnp.asarray(x[:count].reshape(*batch, 16))
    np.testing.assert_array_equal(jax.jit(exact.apply)(network, part).reshape(count, 10), wanted[:count])


def test_vmap_and_op_by_op_do_not_matter():
    network, _ = make_network()
    x = inputs(64)
    by_vmap = jax.jit(jax.vmap(exact.apply, in_axes=(None, 0)))(network, jnp.asarray(x))
    np.testing.assert_array_equal(by_vmap, twin(network, x))
    np.testing.assert_array_equal(exact.apply(network, jnp.asarray(x)), by_vmap)


@pytest.mark.parametrize(("weight_bits", "largest_error"), [(16, 3e-3), (8, 0.1)])
def test_follows_the_float_network(weight_bits, largest_error):
    network, layers = make_network(output_bits=12, weight_bits=weight_bits)
    x = np.random.default_rng(3).normal(size=(500, 16))
    wanted = x
    for position, (kernel, bias) in enumerate(layers):
        wanted = wanted @ kernel + bias
        if position + 1 < len(layers):
            wanted = np.maximum(wanted, 0)
    got = np.asarray(exact.apply(network, jnp.asarray(np.rint(x * 4096).astype(np.int32)))) / 4096
    assert np.abs(got - wanted).max() < largest_error
    # No column is shifted as a whole.
    assert np.abs((got - wanted).mean(axis=0)).max() < largest_error / 5


def test_weights_of_8_bits_have_no_low_digits():
    network, _ = make_network(weight_bits=8)
    for layer in network.layers:
        assert not np.any(layer.weight_low)
        # Each column has the finest unit.
        assert (np.abs(layer.weight_high.astype(int)).max(axis=0) >= 63).all()
        assert np.abs(layer.weight_high.astype(int)).max() <= 127
    with pytest.raises(ValueError, match="weight_bits must be 8 or 16, got 4"):
        make_network(weight_bits=4)


def test_saturates_instead_of_wrapping():
    network, _ = make_network(output_bits=12, scale=8.0)
    assert min(int(layer.shift.min()) for layer in network.layers) < 1
    extreme = jnp.asarray(np.where(inputs(200) > 0, 2**31 - 1, -(2**31)).astype(np.int32))
    out = np.asarray(exact.apply(network, extreme))
    assert np.abs(out).max() == exact.LIMIT
    np.testing.assert_array_equal(out, twin(network, extreme))


def test_wide_layers_of_equal_signs_are_scaled_down_until_they_cannot_overflow():
    kernel, bias = np.full((4096, 3), 0.9), np.zeros(3)
    network = convert([(kernel, bias)], np.ones((1, 4096)), input_fraction_bits=12, output_fraction_bits=np.full(3, 2))
    assert exact.accumulator_bound(network.layers[0]).max() < 2**31
    x = np.full((1, 4096), exact.LIMIT, np.int32)
    np.testing.assert_array_equal(jax.jit(exact.apply)(network, jnp.asarray(x)), twin(network, x))


def test_weights_that_cannot_be_represented_are_refused():
    with pytest.raises(ValueError, match="too large"):
        make_network(output_bits=12, scale=1e6)


def test_columns_without_weights_and_far_apart_scales_convert():
    kernel = np.array([[0.0, 1e-9, 3.0], [0.0, -1e-9, 1e-4]])
    network = convert(
        [(kernel, np.array([0.5, 0.0, -1.0]))],
        np.ones((1, 2)),
        input_fraction_bits=12,
        output_fraction_bits=np.full(3, 8),
    )
    out = np.asarray(exact.apply(network, jnp.asarray([[4096, 4096]], jnp.int32)))
    assert out.tolist() == [[128, 0, 512]]


def test_check_refuses_what_does_not_fit_together():
    network, _ = make_network()
    first, *rest = network.layers
    cases = {
        "does not fit": first._replace(bias=first.bias[:-1]),
        "shifts outside": first._replace(shift=first.shift + 31),
        "overflow int32": first._replace(bias=np.full_like(first.bias, 2**31 - 1)),
    }
    for message, layer in cases.items():
        with pytest.raises(ValueError, match=message):
            exact.check(exact.ExactNetwork((layer, *rest)))
    with pytest.raises(ValueError, match="at least one layer"):
        exact.check(exact.ExactNetwork(()))


def heaviest(inputs: int, weight: int, bias: int = 0) -> exact.ExactLayer:
    """A layer whose weights are all the same."""
    high, low = exact.split_digits(np.full((inputs, 1), weight))
    return exact.ExactLayer(
        high.astype(np.int8), low.astype(np.int8), np.array([bias], np.int32), np.array([8], np.int32)
    )


@pytest.mark.parametrize("weight", [exact.LIMIT, -exact.LIMIT, 128, -128, 127 * 256, 1])
def test_no_input_exceeds_the_bound_and_some_come_near_it(weight):
    """Of all numbers on the way, for the inputs whose digits are largest; in integers of any size."""
    layer = heaviest(3, weight, bias=-1000)
    bound = int(exact.accumulator_bound(layer)[0])
    largest = 0
    for x in (exact.LIMIT, -exact.LIMIT, 127 * 256 - 128, -127 * 256 - 127, 127, -128):
        (x_high, x_low), (high, low) = (
            exact.split_digits(x),
            (int(layer.weight_high[0, 0]), int(layer.weight_low[0, 0])),
        )
        top, middle, least = 3 * x_high * high << 8, 3 * (x_high * low + x_low * high), 3 * x_low * low
        sums = top + middle + (least >> 8)
        largest = max(largest, *map(abs, (top, middle, least, sums, sums - 1000 + 128)))
    assert largest <= bound < 1.6 * largest + 2000


def test_networks_are_refused_from_the_first_width_on_that_can_overflow():
    fits = next(n for n in range(400, 600) if exact.accumulator_bound(heaviest(n + 1, exact.LIMIT))[0] >= 2**31)
    exact.check(exact.ExactNetwork((heaviest(fits, exact.LIMIT),)))
    with pytest.raises(ValueError, match="can overflow int32"):
        exact.check(exact.ExactNetwork((heaviest(fits + 1, exact.LIMIT),)))
    # No width that fits overflows, and one that is a little wider does.
    product = exact.LIMIT * exact.LIMIT >> 8
    assert fits * product < 2**31 < int(1.02 * fits) * product


def test_golden_outputs():
    weights = (np.arange(12).reshape(4, 3) * 7919 + 5) % 60_001 - 30_000
    high, low = exact.split_digits(weights)
    layer = exact.ExactLayer(
        high.astype(np.int8),
        low.astype(np.int8),
        np.array([100, -200_000, 7], np.int32),
        np.array([10, 12, 9], np.int32),
    )
    x = jnp.asarray([[1000, -2000, 3000, -4000], [32_000, 1, -32_000, 9]], jnp.int32)
    assert exact.apply(exact.ExactNetwork((layer,)), x).tolist() == twin(exact.ExactNetwork((layer,)), x).tolist()
    assert exact.apply(exact.ExactNetwork((layer,)), x).tolist() == [[419, 41, -776], [-5801, -1499, 3048]]


def test_a_bias_gives_back_what_the_accumulator_s_floor_takes():
    """Half a unit of the accumulator: outputs of fine units are not too low on average."""
    rng = np.random.default_rng(4)
    kernel = rng.uniform(-1, 1, (3, 64))
    bias, bits = rng.uniform(-1, 1, 64), np.full(64, 11)
    network = convert([(kernel, bias)], np.ones((1, 3)), input_fraction_bits=4, output_fraction_bits=bits)
    x = rng.integers(-40, 40, (2000, 3)).astype(np.int32)
    exact_outputs = ((x / 16) @ kernel + bias) * 2**11
    error = np.asarray(exact.apply(network, jnp.asarray(x)), np.float64) - exact_outputs
    unit = np.ldexp(1.0, -np.asarray(network.layers[0].shift))
    # In units of each accumulator, a floor alone takes half of one.
    assert abs((error / unit).mean()) < 0.2
