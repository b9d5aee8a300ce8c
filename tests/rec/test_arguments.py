"""What is given to an encoder and a decoder: keys of all kinds, empty shapes, codes with the wrong bins, pickles."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recjax
from recjax import randomness, rec
from recjax.coding import codec
from recjax.distributions import Laplace, MultivariateNormal, TruncatedNormal
from tests.rec.cases import CASES

PRIOR = recjax.Normal(np.float32(0), np.float32(1))
PFR, ORC = rec.pfr(max_candidates=64, chunk_size=32), rec.orc(num_candidates=32, chunk_size=32)
TREE = rec.as_star(max_depth=40)
KEYS = {
    "typed": jax.random.key(0),
    "legacy": jax.random.PRNGKey(0),
    "numpy": np.zeros(2, np.uint32),
}
NO_KEYS = {
    "a seed": 0,
    "a list": [0, 1],
    "int64": np.array([0, 1]),
    "int32": np.array([0, 1], np.int32),
    "floats": np.zeros(2, np.float32),
    "three words": np.zeros(3, np.uint32),
    "a batch": np.zeros((3, 2), np.uint32),
    "a batch of typed keys": jax.random.split(jax.random.key(0), 3),
    "nothing": None,
}


def targets(*shape: int) -> recjax.Normal:
    rng = np.random.default_rng(0)
    return recjax.Normal(rng.normal(size=shape).astype(np.float32), np.full(shape, 0.5, np.float32))


@pytest.mark.parametrize("name", KEYS)
def test_keys_of_jax_name_the_stream_of_their_words(name):
    assert np.array_equal(randomness.as_key(KEYS[name]), recjax.key(0))
    expected = rec.encode(ORC, recjax.key(0), targets(2, 3), PRIOR, private_key=recjax.key(0))
    enc = rec.encode(ORC, KEYS[name], targets(2, 3), PRIOR, private_key=KEYS[name])
    assert np.array_equal(enc.sample, expected.sample)
    assert np.array_equal(rec.decode(ORC, KEYS[name], PRIOR, enc.code), enc.sample)
    assert np.array_equal(rec.stream_keys(KEYS[name], (4,)), rec.stream_keys(recjax.key(0), (4,)))
    assert np.array_equal(randomness.fold_in(KEYS[name], 3), randomness.fold_in(recjax.key(0), 3))


def test_every_word_of_a_longer_key_counts():
    data = np.arange(4, dtype=np.uint32)
    words = [randomness.as_key(jax.random.wrap_key_data(data ^ (np.arange(4) == i), impl="rbg")) for i in range(5)]
    assert len({tuple(np.asarray(pair).tolist()) for pair in words}) == 5


def test_typed_keys_are_mapped_and_traced():
    keys = jax.random.split(jax.random.key(7), 3)
    code = rec.Code(np.zeros((2, 3), np.uint32), np.ones(2, np.uint32))
    mapped = jax.jit(jax.vmap(lambda key: rec.decode(ORC, key, PRIOR, code)))(keys)
    assert np.array_equal(mapped[1], rec.decode(ORC, keys[1], PRIOR, code))


@pytest.mark.parametrize("name", NO_KEYS)
def test_what_is_no_key_is_refused_with_a_sentence(name):
    key, code = NO_KEYS[name], rec.Code(np.zeros((2, 3), np.uint32), np.ones(2, np.uint32))
    calls = [
        lambda: rec.encode(ORC, key, targets(2, 3), PRIOR),
        lambda: rec.decode(ORC, key, PRIOR, code),
        lambda: rec.decode_words(ORC, key, code, (2, 3)),
        lambda: rec.stream_keys(key, (2,)),
    ]
    if key is not None:
        calls.append(lambda: rec.encode(ORC, recjax.key(0), targets(2, 3), PRIOR, private_key=key))
    if "batch" not in name:
        calls.append(lambda: randomness.fold_in(key, 1))
        calls.append(lambda: randomness.stream(key, randomness.CANDIDATE))
    for call in calls:
        with pytest.raises(ValueError, match=r"^a key is two uint32 words, of shape \[.*make one from a seed with"):
            call()


@pytest.mark.parametrize("seed", [-1, 1 << 64, 1.0, "1", None, True])
def test_what_is_no_seed_is_refused(seed):
    with pytest.raises(ValueError, match="a seed is an integer"):
        recjax.key(seed)


@pytest.mark.parametrize("shape", [(3, 0), (0,), (0, 3), (2, 0, 3)], ids=str)
@pytest.mark.parametrize("algorithm", [PFR, TREE, rec.gprs_global(max_candidates=9)], ids=lambda one: one.name)
def test_shapes_without_samples(algorithm, shape):
    """Nothing is coded as nothing; blocks without coordinates are refused."""
    if shape[-1] == 0 and not algorithm.scalar:
        with pytest.raises(ValueError, match="a block has at least one coordinate"):
            rec.encode(algorithm, recjax.key(0), targets(*shape), PRIOR)
        with pytest.raises(ValueError, match="a block has at least one coordinate"):
            code = rec.Code(np.zeros(shape, np.uint32), np.zeros(shape[:-1], np.uint32))
            rec.decode(algorithm, recjax.key(0), PRIOR, code)
        return
    enc = rec.encode(algorithm, recjax.key(0), targets(*shape), PRIOR)
    batch = shape if algorithm.scalar else shape[:-1]
    assert enc.code.shape == enc.sample.shape == shape and enc.info.status.shape == batch
    assert all(leaf.dtype == jnp.uint32 for leaf in jax.tree.leaves(enc.code))
    sample = rec.decode(algorithm, recjax.key(0), PRIOR, enc.code)
    assert sample.shape == shape and sample.dtype == jnp.float32


def code(interval=((0, 2, 1), (3, 0, 0)), index=(1, 5)) -> rec.Code:
    return rec.Code(np.array(interval, np.uint32), np.array(index, np.uint32))


def path(depth=(3, 0)) -> rec.Path:
    return rec.Path(np.array(depth, np.uint32), np.zeros((len(depth), 2), np.uint32))


BINS = [4, 3, 2]
WRONG = {
    "bins forgotten": (PFR, code(), None, "names an interval, 3, that there is not without bins"),
    "other bins": (PFR, code(), [3, 3, 2], "names an interval, 3, that there is not with these bins"),
    "bins of other blocks": (PFR, code(), [4, 3], r"bins must broadcast to the samples, of shape \(2, 3\), got \(2,\)"),
    "bins of more blocks": (PFR, code(), np.ones((5, 2, 3), int), "bins must broadcast to the samples"),
    "bins of no use": (rec.mrc(num_candidates=9), code(0 * np.eye(2)), [2, 2], "mrc takes no bins"),
    "beyond its candidates": (ORC, code(index=(1, 33)), BINS, "orc sends an index of 1 to 32 with these sizes, got 1"),
    "beyond its budget": (PFR, code(index=(1, 65)), BINS, "pfr sends an index of 1 to 64 with these sizes"),
    "no index": (ORC, code(index=(0, 1)), BINS, "orc sends an index of 1 to 32 with these sizes, got 0 to 1"),
    "deeper than its tree": (rec.as_star(max_depth=2), path(), None, "as_star sends a depth of 0 to 2"),
    "a path for a code": (PFR, path(), None, "pfr decodes a rec.Code, got a Path"),
    "a code for a path": (TREE, code(), None, "as_star decodes a rec.Path, got a Code"),
    "a tuple": (TREE, ((1, 2), (3, 4)), None, "as_star decodes a rec.Path, got a tuple"),
    "an index for each coordinate": (ORC, code(index=np.ones((2, 3))), BINS, r"the index of a code .* of shape \(2,\)"),
    "floats": (ORC, code()._replace(index=np.ones(2)), BINS, "the index of a code .* whole numbers .* got float64"),
    "bins beyond their capacity": (PFR, code(), rec.Bins(jnp.uint32([4, 3, 2]), 2), "at most 2 intervals per"),
    "no intervals": (PFR, code(), 0, "at least 1 interval per dimension, got 0; 1 leaves a dimension whole"),
}


@pytest.mark.parametrize("name", WRONG)
def test_codes_that_cannot_have_been_sent_are_refused(name):
    algorithm, wrong, bins, sentence = WRONG[name]
    with pytest.raises(ValueError, match=sentence):
        rec.decode(algorithm, recjax.key(0), PRIOR, wrong, bins=bins)
    if hasattr(wrong, "shape"):
        with pytest.raises(ValueError, match=sentence):
            rec.decode_words(algorithm, recjax.key(0), wrong, wrong.shape, bins=bins)


def test_a_coding_distribution_of_more_blocks_is_refused():
    with pytest.raises(ValueError, match=r"p must broadcast to the samples, of shape \(2, 3\), got \(7, 2, 3\)"):
        rec.decode(PFR, recjax.key(0), targets(7, 2, 3), code(), bins=BINS)
    with pytest.raises(ValueError, match=r"must broadcast to one \[\*batch, dim\], got q \(2, 3\) and p \(4,\)"):
        rec.encode(PFR, recjax.key(0), targets(2, 3), targets(4))


def test_codes_in_integers_of_another_type_decode_alike():
    expected = rec.decode(PFR, recjax.key(0), PRIOR, code(), bins=BINS)
    other = jax.tree.map(lambda leaf: leaf.astype(np.int64), code())
    assert np.array_equal(rec.decode(PFR, recjax.key(0), PRIOR, other, bins=BINS), expected)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_algorithms_pickle_and_copy_to_themselves(case):
    algorithm = case.algorithm
    assert pickle.loads(pickle.dumps(algorithm)) is algorithm
    assert copy.deepcopy(algorithm) is copy.copy(algorithm) is algorithm


def test_the_sizes_of_every_algorithm_survive_a_pickle():
    for small, large in (
        (rec.pfr(max_candidates=8), rec.pfr(max_candidates=8, max_intervals=2)),
        (rec.ad_star(capacity=2), rec.ad_star(max_steps=3)),
        (rec.grc(split="sample", max_depth=20), rec.grc(max_depth=20)),
    ):
        assert small is not large
        assert [pickle.loads(pickle.dumps(one)) for one in (small, large)] == [small, large]


def test_what_encoding_takes_and_gives_pickles():
    enc = rec.encode(ORC, recjax.key(0), targets(2, 3), PRIOR, bins=BINS)
    laws = [Laplace(0.0, 1.0), TruncatedNormal(0.0, 1.0, -1.0, 1.0), MultivariateNormal(np.zeros(2), np.eye(2))]
    for thing in (enc, enc.code, path(), rec.Bins(jnp.ones(3, jnp.uint32), 4), *laws):
        for again in (pickle.loads(pickle.dumps(thing)), copy.deepcopy(thing)):
            assert type(again) is type(thing)
            assert all(np.array_equal(a, b) for a, b in zip(*map(jax.tree.leaves, (again, thing)), strict=True))
            assert jax.tree.structure(again) == jax.tree.structure(thing)


def test_a_codec_copies_and_says_that_it_does_not_pickle():
    own = codec.uniform(5)
    assert copy.deepcopy(own) is copy.copy(own) is own
    with pytest.raises(TypeError, match="a Codec is made of functions, which do not pickle"):
        pickle.dumps(own)
