import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from recjax.coding import integers, rans, serialize


def test_elias_delta_masses_imply_the_lengths_of_the_code():
    def delta_bits(n: int) -> int:
        length = n.bit_length()
        return 2 * (length.bit_length() - 1) + length

    masses = integers.elias_delta_masses(12)
    n = np.arange(1, 200)
    total = sum(2.0 ** -delta_bits(int(i)) for i in range(1, (1 << 12) + 1))
    expected = np.array([delta_bits(int(i)) for i in n]) + np.log2(total)
    assert np.abs(integers.index_bits(masses, n) - expected).max() < 0.1
    assert masses.sum() == 1 << 16 and masses.min() >= 1


def test_classes_tile_the_integers():
    n = np.arange(1, 5000)
    symbol = np.asarray(integers.index_class(jnp.asarray(n)))
    assert symbol[:11].tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 7, 8, 8]
    first = integers._first(symbol.astype(np.int64))
    assert np.all((first <= n) & (n < first + (1 << integers._extra_bits(symbol.astype(np.int64)))))
    for max_log2 in range(32):
        last = int(integers.index_class(jnp.uint32(1 << max_log2)))
        assert integers.num_classes(max_log2) == last + 1


def exact_zeta(length_q: int, max_log2: int) -> np.ndarray:
    weights = np.arange(1.0, (1 << max_log2) + 1) ** -(1 + 256 / length_q)
    return weights / weights.sum()


@pytest.mark.parametrize("max_log2", [0, 1, 3, 12, 16])
@pytest.mark.parametrize("length_q", [100, 700, 2500])
def test_zeta_masses_lose_little(length_q, max_log2):
    masses = integers.zeta_masses(length_q, max_log2)
    assert masses.sum() == 65536
    assert masses.min() >= 1
    exact = exact_zeta(length_q, max_log2)
    n = np.arange(1, len(exact) + 1)
    bits = integers.index_bits(masses, n)
    # The last class is larger than what the distribution has in it, which matters for short tables only.
    assert np.sum(exact * (bits + np.log2(exact))) < (0.005 if max_log2 > 3 else 0.05)


def test_zeta_masses_are_golden():
    first, rest = [26373, 9994, 5666, 3788, 2772, 2147, 1731, 2653, 1969], [1541, 1251, 1933, 1446, 1137, 927, 207, 1]
    assert integers.zeta_masses(640, 5).tolist() == first + rest
    assert integers.zeta_masses(0, 3).tolist()[0] == 65536 - 8


def test_zeta_keeps_the_papers_bound():
    """E bits <= L + log2(L + 1) + 1 for E log2 n = L, whatever the distribution of n."""
    n = np.arange(1, 1 << 14)
    for power in (1.05, 1.3, 2.0):
        law = n**-power / np.sum(n**-power)
        length = np.sum(law * np.log2(n))
        bits = np.sum(law * integers.index_bits(integers.zeta_masses(round(length * 256), 14), n))
        assert bits <= length + np.log2(length + 1) + 1


def test_learned_masses():
    counts = [1000, 0, 3, 0, 500]
    masses = integers.learned_masses(counts)
    assert masses.sum() == 65536
    assert masses.min() >= 1
    assert len(masses) == len(counts) + 1
    assert masses[0] / masses[4] == pytest.approx(2, rel=0.01)
    with pytest.raises(ValueError, match="histogram"):
        integers.learned_masses([1, -1])


@given(st.lists(st.integers(0, 10**9), min_size=1, max_size=200).filter(any))
def test_quantised_masses_are_near_their_weights(weights):
    masses = integers.quantise(weights)
    assert masses.sum() == 65536
    assert masses.min() >= 1
    shares = np.array(weights) / sum(weights) * 65536
    assert np.all(np.abs(masses - shares) <= 2 + len(weights) * shares / 65536)


@pytest.mark.parametrize(
    ("weights", "total", "masses"), [([5, 3, 1], 10, [5, 3, 2]), ([1, 1, 1], 5, [2, 2, 1]), ([1, 0, 6], 10, [2, 1, 7])]
)
def test_what_quantisation_leaves_goes_to_the_largest_remainders_and_the_first_of_equal_ones(weights, total, masses):
    assert integers.quantise(weights, total).tolist() == masses


def test_bad_sizes_are_refused():
    for call in (
        lambda: integers.num_classes(32),
        lambda: integers.zeta_masses(-1, 4),
        lambda: integers.quantise([0, 0]),
        lambda: integers.quantise([1] * 70000),
    ):
        with pytest.raises(ValueError, match=r"got|cannot share"):
            call()


def test_the_code_is_as_long_as_it_says():
    masses = integers.zeta_masses(4 * 256, 10)
    rng = np.random.default_rng(0)
    n = rng.choice(1024, 4000, p=exact_zeta(4 * 256, 10)) + 1
    codec = integers.index_codec(masses)
    message = jax.jit(codec.push)(rans.empty((4000,), 1, 16), jnp.asarray(n[:, None]))
    _, lengths_bits = serialize.to_bits(message)
    assert np.mean(lengths_bits) == pytest.approx(np.mean(integers.index_bits(masses, n)), abs=0.3)


def test_an_index_beyond_the_table_escapes():
    codec = integers.index_codec(integers.zeta_masses(256, 2))
    n = jnp.array([[1], [4], [5], [1 << 20], [0xFFFFFFFF]], jnp.uint32)
    message = jax.jit(codec.push)(rans.empty((5,), 1, 16), n)
    assert np.array_equal(jax.jit(codec.pop)(message)[1], n)
    assert serialize.to_bits(message)[1][3] >= 32


def test_garbage_gives_an_index():
    codec = integers.index_codec(integers.zeta_masses(256, 2))
    garbage = rans.empty((1000,), 1, 4)._replace(head=jnp.arange(1000, dtype=jnp.uint32)[:, None])
    popped, n = jax.jit(codec.pop)(garbage)
    assert np.asarray(n).min() >= 1
    assert popped.size.tolist() == [0] * 1000


def test_classes_that_were_never_seen_have_half_a_count():
    """Beside one unit each, which every class and the escape have."""
    found = integers.learned_masses([0, 10]) - 1
    assert np.abs(found - (65536 - 3) * np.array([1, 21, 1]) / 23).max() < 1
