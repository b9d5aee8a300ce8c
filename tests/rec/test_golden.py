"""What codes decode to, in integers that must never change: a file that was written once names its samples by them.

The codes are written by hand, as a search compares floats, and another machine may find another winner.
"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recjax
from recjax import rec
from recjax.coding import rans, serialize
from recjax.coding.integers import zeta_masses
from recjax.distributions import Laplace
from recjax.rec import Code, Path
from recjax.rec.algorithms.mrc import flat_codec
from recjax.rec.index_codes import path_codec
from tests.rec.cases import CASES, P_LOC, P_SCALE, Case, targets

KEY, SHAPE = recjax.key((1 << 40) + 3), (3, 3)

# The first intervals, the last, and others; the first candidates, some within every budget, and some beyond.
INTERVALS = np.array([[0, 0, 0], [2, 6, 4], [1, 3, 2]])
INDICES = np.array([[1, 2, 3], [150, 151, 199], [1 << 20, 70_001, (1 << 32) - 1]])
# Paths whose intervals hold words in a tree that cuts at samples; the last goes beyond the first word of branches.
DEPTHS = np.array([[0, 1, 2], [3, 5, 9], [14, 20, 33]])
BRANCHES = np.array([[0, 0b1, 0b10], [0b110, 0b10, 0b100010], [0x523, 0xB36BA, 0x11FB863E0]])

PATHS = Path(jnp.asarray(DEPTHS, jnp.uint32), jnp.asarray(np.stack([BRANCHES, BRANCHES >> 32], -1).astype(np.uint32)))
# Of CUTS, under P_LOC and P_SCALE of a normal and of a Laplace distribution.
SAMPLE_BITS = [
    [1051205458, 3214789004, 1092626198],
    [1057180486, 3218491522, 1092554288],
    [1051952686, 1068479566, 1092410507],
]

LAPLACE_BITS = [
    [1051021720, 3215489504, 1092624483],
    [1056448130, 3218937623, 1092554443],
    [1051636842, 1074551740, 1092301673],
]

MASSES = np.stack([zeta_masses(500 + 100 * block, 6) for block in range(3)])


def code_of(case: Case) -> Code | Path:
    some = targets()
    kind = jax.eval_shape(lambda: rec.encode(case.algorithm, KEY, *some, bins=case.bins).code)
    if isinstance(kind, Path):
        return PATHS
    if case.algorithm.scalar:
        return Code(jnp.zeros(SHAPE, jnp.uint32), jnp.asarray(INDICES, jnp.uint32))
    return Code(jnp.asarray(INTERVALS % (case.bins or 1), jnp.uint32), jnp.asarray(INDICES[:, 0], jnp.uint32))


def bits_of(codec, code) -> tuple[str, list[int]]:
    """Three messages, one for each row of codes: their bits in hexadecimal digits, and their lengths."""
    data, lengths = serialize.to_bits(codec.push(rans.empty((3,), 1, 64), code))
    return data.hex(), lengths.tolist()


def in_messages(leaf):
    return jnp.moveaxis(jnp.asarray(leaf), 0, -1)[..., None]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_codes_decode_to_the_words_that_they_always_named(case):
    # Under jit, as decoders of files are: outside, codes beyond an algorithm's sizes are refused.
    words = jax.jit(lambda code: rec.decode_words(case.algorithm, KEY, code, SHAPE, bins=case.bins))(code_of(case))
    words = words.tolist()
    assert case.golden, (
        f"there are no golden words for {str(case)!r}, whose codes decode to {words}; check the decoder against a slow "
        "twin, then put them into its row"
    )
    assert words == case.golden


def test_samples_keep_their_bits():
    sample = rec.decode(rec.as_star(), KEY, recjax.Normal(jnp.asarray(P_LOC), jnp.asarray(P_SCALE)), PATHS)
    assert np.asarray(sample).view(np.uint32).tolist() == SAMPLE_BITS


def test_samples_of_another_law_keep_their_bits():
    """Of a distribution whose table is in units of 4."""
    sample = rec.decode(rec.as_star(), KEY, Laplace(jnp.asarray(P_LOC), jnp.asarray(P_SCALE)), PATHS)
    assert np.asarray(sample).view(np.uint32).tolist() == LAPLACE_BITS


def test_paths_of_raw_bits_keep_their_bits():
    code = Path(*map(in_messages, PATHS))
    assert bits_of(path_codec(MASSES, None, 1), code) == ("05946229ad7757b13a8ebb3e6f1fbe1630", [11, 32, 90])


def test_paths_of_shared_cuts_keep_their_bits():
    code, keys = Path(*map(in_messages, PATHS)), in_messages(rec.stream_keys(KEY, SHAPE))
    assert bits_of(rec.cut_path_codec(keys, MASSES), code) == ("8d325601b5a4521cfc419f90ecc4", [9, 26, 75])


@pytest.mark.parametrize(
    ("candidates", "expected"), [(200, ("01fbfe", [7, 8, 8])), (100_000, ("000054803e5860", [17, 17, 17]))]
)
def test_flat_indices_keep_their_bits(candidates, expected):
    """Of at most 16 bits, and of more."""
    index = jnp.asarray([[1, 150, candidates]], jnp.uint32)[..., None]
    assert bits_of(flat_codec(candidates, 1, 3), Code(jnp.zeros((1, 3, 3, 1), jnp.uint32), index)) == expected
