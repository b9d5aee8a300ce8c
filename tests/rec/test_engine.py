"""Batches of any shape, named shared axes, jit and vmap, traced bins, and sentences for what is no problem at all."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recjax
from recjax import rec
from recjax.rec import Status, engine

PRIOR = recjax.Normal(np.float32(0), np.float32(1))


@pytest.fixture(scope="module")
def algorithm():
    return rec.orc(num_candidates=64, chunk_size=32, max_intervals=8)


def targets(*shape: int, seed: int = 0) -> recjax.Normal:
    rng = np.random.default_rng(seed)
    loc, scale = rng.normal(size=shape), rng.uniform(0.2, 0.9, shape)
    return recjax.Normal(loc.astype(np.float32), scale.astype(np.float32))


def test_under_jit_and_vmap_with_traced_bins(algorithm):
    """Row for row the same as calls with concrete bins outside; bins beyond the capacity are told, and decode."""
    q, keys = targets(3, 12, 3), jnp.stack([recjax.key(1), recjax.key(2), recjax.key(3)])
    bins = np.array([[4, 1, 3], [8, 5, 1], [9, 1, 1]])

    @jax.jit
    @jax.vmap
    def both(key, q, bins):
        enc = rec.encode(algorithm, key, q, PRIOR, bins=bins)
        return enc, rec.decode(algorithm, key, PRIOR, enc.code, bins=bins)

    enc, decoded = both(keys, q, jnp.asarray(bins, jnp.uint32))
    assert np.array_equal(decoded, enc.sample)
    assert np.isfinite(decoded).all()
    assert (np.asarray(enc.info.status).T == [Status.OK, Status.OK, Status.INVALID]).all()
    for i in range(2):
        # Of one capacity, so that both rows share a compilation.
        table = rec.Bins(jnp.asarray(bins[i], jnp.uint32), 8)
        alone = rec.encode(algorithm, keys[i], jax.tree.map(lambda leaf: leaf[i], q), PRIOR, bins=table)  # noqa: B023
        assert np.array_equal(alone.code.index, enc.code.index[i])
        assert np.array_equal(alone.code.interval, enc.code.interval[i])
        code = rec.Code(enc.code.interval[i], enc.code.index[i])
        assert np.array_equal(rec.decode(algorithm, keys[i], PRIOR, code, bins=table), enc.sample[i])


def test_rows_along_a_shared_axis_share_streams_and_decode_alone(algorithm):
    """What the codecs do: block b of every image at one address, so that an image decodes without the others."""
    q = targets(5, 4, 3)
    key = recjax.key(3)
    enc = rec.encode(algorithm, key, q, PRIOR, shared_axes=(0,))
    assert np.array_equal(rec.decode(algorithm, key, PRIOR, enc.code, shared_axes=(0,)), enc.sample)
    alone = rec.Code(enc.code.interval[3], enc.code.index[3])
    assert np.array_equal(rec.decode(algorithm, key, PRIOR, alone), enc.sample[3])
    # The encoder's own randomness differs by row: equal targets in one stream get different codes.
    equal = recjax.Normal(np.zeros((5, 4, 3), np.float32), np.full((5, 4, 3), 0.5, np.float32))
    index = np.asarray(rec.encode(algorithm, key, equal, PRIOR, shared_axes=(0,)).code.index)
    assert (index != index[0]).any()


def test_a_stream_belongs_to_the_number_of_a_block_in_its_batch():
    """So a batch may be reshaped between encoder and decoder, and every row has candidates of its own."""
    algorithm, key = rec.pfr(max_candidates=1 << 10), recjax.key(4)
    code = rec.Code(jnp.zeros((6, 2), jnp.uint32), jnp.arange(1, 7, dtype=jnp.uint32))
    flat = rec.decode(algorithm, key, PRIOR, code)
    square = rec.Code(code.interval.reshape(2, 3, 2), code.index.reshape(2, 3))
    assert np.array_equal(rec.decode(algorithm, key, PRIOR, square).reshape(6, 2), flat)
    same_code = rec.Code(code.interval, jnp.ones(6, jnp.uint32))
    assert len(np.unique(rec.decode(algorithm, key, PRIOR, same_code), axis=0)) == 6


def test_batches_without_rows_and_blocks_without_batch(algorithm):
    one = rec.encode(algorithm, recjax.key(5), targets(3), PRIOR)
    assert one.sample.shape == (3,) and one.code.index.shape == ()
    assert np.array_equal(rec.decode(algorithm, recjax.key(5), PRIOR, one.code), one.sample)
    none = rec.encode(algorithm, recjax.key(5), targets(0, 3), PRIOR)
    assert none.sample.shape == (0, 3)
    assert rec.decode(algorithm, recjax.key(5), PRIOR, none.code).shape == (0, 3)


def test_python_floats_make_a_coding_distribution():
    algorithm = rec.orc(num_candidates=16)
    code = rec.Code(jnp.zeros((2, 3), jnp.uint32), jnp.ones(2, jnp.uint32))
    decoded = rec.decode(algorithm, recjax.key(0), recjax.Normal(0.0, 1.0), code)
    assert np.array_equal(decoded, rec.decode(algorithm, recjax.key(0), PRIOR, code))


@pytest.mark.parametrize(
    ("bins", "sentence"),
    [
        ([2.0, 1.0, 1.0], "whole numbers of intervals"),
        ([], "whole numbers of intervals"),
        ([0, 1, 1], "at least 1 interval per dimension, got 0; 1 leaves a dimension whole"),
        ([1, 1, 1 << 16], "at most 32768 intervals per dimension here, got 65536; give fewer"),
    ],
)
def test_bins_that_are_none_are_refused_with_a_sentence(algorithm, bins, sentence):
    with pytest.raises(ValueError, match=sentence):
        rec.encode(algorithm, recjax.key(0), targets(3), PRIOR, bins=bins)


def test_scalars_are_refused_with_a_sentence(algorithm):
    with pytest.raises(ValueError, match="give arrays of shape"):
        rec.encode(algorithm, recjax.key(0), PRIOR, PRIOR)


def test_concrete_bins_bound_themselves(algorithm):
    assert engine.as_bins(algorithm, None) is None
    assert [engine.as_bins(algorithm, [n, 1]).capacity for n in (1, 2, 3, 9, 32768)] == [1, 2, 4, 16, 32768]
