"""The encoder's own randomness: derived from the shared key, never equal to it, and another for each row."""

import jax
import numpy as np
import pytest

import recjax
from recjax import randomness, rec

PRIOR = recjax.Normal(0.0, 1.0)
ALGORITHM = rec.orc(num_candidates=64, chunk_size=32)
KEY = recjax.key(8)
ROWS = 24
EQUAL = recjax.Normal(np.full((ROWS, 2), 1.2, np.float32), np.full((ROWS, 2), 0.3, np.float32))


def indices(key=KEY, private_key=None):
    return rec.encode(ALGORITHM, key, EQUAL, PRIOR, shared_axes=(0,), private_key=private_key).code.index


both_ways = pytest.mark.parametrize("indices", [indices, jax.jit(indices)], ids=["at hand", "compiled"])


@both_ways
def test_the_private_key_is_derived_from_the_shared_one_and_is_not_it(indices):
    derived = indices(KEY)
    assert np.array_equal(derived, indices(KEY, randomness.fold_in(KEY, randomness.PRIVATE)))
    assert not np.array_equal(derived, indices(KEY, KEY))


@both_ways
def test_rows_of_one_target_and_one_stream_differ_by_their_arrivals(indices):
    index = indices(KEY)
    assert len(set(index.tolist())) > 1


def test_private_keys_change_what_is_sent_and_not_what_is_decoded():
    sent = [rec.encode(ALGORITHM, KEY, EQUAL, PRIOR, private_key=recjax.key(seed)) for seed in (1, 2)]
    assert not np.array_equal(sent[0].code.index, sent[1].code.index)
    for enc in sent:
        assert np.array_equal(rec.decode(ALGORITHM, KEY, PRIOR, enc.code), enc.sample)


def test_the_keys_of_a_batch_differ_from_each_other_and_from_the_shared_one():
    keys = np.asarray(rec.stream_keys(KEY, (3, 4)))
    private = np.asarray(jax.jit(lambda: randomness.fold_in(KEY, randomness.PRIVATE))())
    every = {tuple(row) for row in [*keys.reshape(-1, 2).tolist(), private.tolist(), np.asarray(KEY).tolist()]}
    assert len(every) == 3 * 4 + 2
    shared = np.asarray(rec.stream_keys(KEY, (3, 4), shared_axes=(0,)))
    assert (shared == shared[:1]).all() and len({tuple(row) for row in shared[0].tolist()}) == 4
    assert np.array_equal(shared[0], np.asarray(rec.stream_keys(KEY, (4,))))
