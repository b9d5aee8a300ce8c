"""The addressed stream: published vectors, a slow twin in Python integers, and golden words that must never change."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from recjax import randomness
from recjax.randomness import CANDIDATE, PERMUTATION

words = jax.jit(randomness.words, static_argnums=(1, 3))

MASK = 0xFFFFFFFF
ROTATIONS = (13, 15, 26, 6, 17, 29, 16, 24)

GOLDEN_PLAIN = [1960307886, 3386526064, 932225407]
GOLDEN_ADDRESSED = [2598163879, 1108508747, 3179420686]
GOLDEN_PERMUTATION = [1469762628, 4213369254]
GOLDEN_FOLDED = [1303416182, 3025513984]


def twin_threefry(key: tuple[int, int], counter: tuple[int, int]) -> tuple[int, int]:
    """Threefry-2x32-20 as the paper writes it: 20 rounds, a key word injected after every fourth."""
    schedule = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    a, b = (counter[0] + key[0]) & MASK, (counter[1] + key[1]) & MASK
    for round_number in range(20):
        turn = ROTATIONS[round_number % 8]
        a = (a + b) & MASK
        b = ((b << turn | b >> (32 - turn)) & MASK) ^ a
        if round_number % 4 == 3:
            injection = round_number // 4 + 1
            a = (a + schedule[injection % 3]) & MASK
            b = (b + schedule[(injection + 1) % 3] + injection) & MASK
    return a, b


def twin_absorb(key: tuple[int, int], path: tuple[int, ...], mark: int) -> tuple[int, int]:
    message = [mark | len(path), *path]
    message += [0] * (len(message) % 2)
    for pair in zip(message[::2], message[1::2], strict=True):
        key = twin_threefry(key, pair)
    return key


def twin_words(key: tuple[int, int], purpose: int, address: tuple[int, ...], count: int) -> list[int]:
    stream = twin_absorb(key, (purpose, *address[:-1]), 1 << 31)
    pairs = [twin_threefry(stream, (address[-1], block)) for block in range((count + 1) // 2)]
    return [word for pair in pairs for word in pair][:count]


@pytest.mark.parametrize(
    ("key", "counter", "expected"),
    [
        ((0, 0), (0, 0), (0x6B200159, 0x99BA4EFE)),
        ((MASK, MASK), (MASK, MASK), (0x1CB996FC, 0xBB002BE7)),
        ((0x13198A2E, 0x03707344), (0x243F6A88, 0x85A308D3), (0xC4923A9C, 0x483DF7A0)),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_random123_known_answers(key, counter, expected):
    drawn = randomness.threefry2x32(tuple(map(jnp.uint32, key)), tuple(map(jnp.uint32, counter)))
    assert tuple(map(int, drawn)) == expected
    assert twin_threefry(key, counter) == expected


@pytest.mark.parametrize("seed", [0, 1, MASK, 1 << 32, (1 << 64) - 1])
def test_a_key_is_the_seed_in_two_words(seed):
    assert randomness.key(seed).tolist() == [seed >> 32, seed & MASK]


@pytest.mark.parametrize("seed", [-1, 1 << 64])
def test_a_seed_out_of_range_is_refused_with_a_sentence(seed):
    with pytest.raises(ValueError, match=r"integer in \[0, 2\^64\)"):
        randomness.key(seed)


@pytest.mark.parametrize("length", [0, 1, 2, 5, 6, 7, 15, 16, 17, 40])
def test_paths_of_every_length_agree_with_the_twin(length):
    """Short paths are unrolled and long ones looped over: the same words either way."""
    seed = 0x0123456789ABCDEF
    path = tuple(np.random.default_rng(length).integers(0, 1 << 32, length).tolist())
    key, twin_key = randomness.key(seed), (seed >> 32, seed & MASK)
    as_words = tuple(map(jnp.uint32, path))
    assert tuple(randomness.fold_in(key, *as_words).tolist()) == twin_absorb(twin_key, path, 0)
    drawn = randomness.words(key, CANDIDATE, (*as_words, 3), 5)
    assert drawn.tolist() == twin_words(twin_key, CANDIDATE, (*path, 3), 5)


def test_golden_words():
    """A change of any of these changes every file ever written: it needs a new STREAM_VERSION."""
    key = randomness.key(2026)
    assert randomness.STREAM_VERSION == 1
    purposes = ("CANDIDATE", "ARRIVAL", "BIN", "PERMUTATION", "INITIAL", "TRIAL")
    assert [getattr(randomness, name) for name in purposes] == list(range(6))
    assert randomness.words(key, CANDIDATE, (7,), 3).tolist() == GOLDEN_PLAIN
    assert randomness.words(key, CANDIDATE, (1, 2, 3, 4), 3).tolist() == GOLDEN_ADDRESSED
    assert randomness.words(key, PERMUTATION, (0,), 2).tolist() == GOLDEN_PERMUTATION
    assert randomness.fold_in(key, 0, 5).tolist() == GOLDEN_FOLDED


def test_the_same_words_under_jit_vmap_scan_and_any_chunking():
    key, index = randomness.key(5), jnp.arange(60, dtype=jnp.uint32)

    def draw(i):
        return randomness.words(key, CANDIDATE, (3, i % 4, i), 5)

    jitted = jax.jit(draw)
    whole = jitted(index)
    assert whole.shape == (60, 5)
    assert np.array_equal(whole, jax.jit(jax.vmap(draw))(index))
    assert np.array_equal(whole, jax.jit(lambda: jax.lax.scan(lambda _, i: (None, draw(i)), None, index)[1])())
    assert np.array_equal(whole, jnp.concatenate([jitted(index[:1]), jitted(index[1:48]), jitted(index[48:])]))
    with jax.disable_jit():
        assert np.array_equal(whole[0], draw(index[0]))


def test_the_first_words_do_not_depend_on_the_count():
    key = randomness.key(9)
    address = (jnp.arange(4, dtype=jnp.uint32),)
    most = words(key, CANDIDATE, address, 9)
    for count in (1, 2, 3, 8):
        fewer = words(key, CANDIDATE, address, count)
        assert np.array_equal(fewer, most[:, :count])


def test_keys_and_addresses_broadcast():
    rows = jnp.arange(3, dtype=jnp.uint32)
    keys = randomness.fold_in(randomness.key(1), rows)
    assert keys.shape == (3, 2)
    together = words(keys[:, None], CANDIDATE, (rows[:, None], jnp.arange(5, dtype=jnp.uint32)), 2)
    assert together.shape == (3, 5, 2)
    for i in range(3):
        for j in (0, 4):
            assert np.array_equal(together[i, j], words(keys[i], CANDIDATE, (jnp.uint32(i), jnp.uint32(j)), 2))


def test_addresses_do_not_collide():
    """No path is a prefix of another, purposes and the two uses of a key are apart, and zeros count."""
    key = randomness.key(0)
    paths = [(), (0,), (0, 0), (0, 0, 0), (1,), (0, 1), (1, 0), (1, 0, 0), (0, 1, 0), tuple([0] * 7), tuple([0] * 8)]
    found = [tuple(randomness.fold_in(key, *path).tolist()) for path in paths]
    for purpose in range(6):
        streams = [randomness.stream(key, purpose, path) for path in paths]
        found += [(int(stream.first), int(stream.second)) for stream in streams]
    assert len(set(found)) == len(found)


def test_words_are_uniform_and_uncorrelated():
    drawn = np.asarray(words(randomness.key(3), CANDIDATE, (jnp.arange(1 << 16, dtype=jnp.uint32),), 2))
    bits = (drawn[..., None] >> np.arange(32, dtype=np.uint32) & 1).astype(np.float64).reshape(len(drawn), 64)
    signs = 2 * bits - 1
    correlation = signs.T @ signs / len(signs)
    off = correlation[~np.eye(64, dtype=bool)]
    # 4,032 correlations and 64 means of variance 2^-16: five standard deviations.
    assert np.abs(off).max() < 5 / 256
    assert np.abs(signs.mean(axis=0)).max() < 5 / 256
