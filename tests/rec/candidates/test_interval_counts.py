"""Intervals per latent never promise more bits than the latents carry."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from recjax.rec.candidates.interval_counts import MAX_INTERVALS, intervals_from_kl


@settings(max_examples=200, deadline=None)
@given(st.lists(st.floats(0, 30), min_size=1, max_size=40))
def test_partition_is_within_the_information(kl_bits):
    intervals = intervals_from_kl(np.array(kl_bits))
    assert intervals.min() >= 1 and intervals.max() <= MAX_INTERVALS
    assert np.log2(intervals).sum() <= sum(kl_bits) + 1e-9
    assert (intervals[np.array(kl_bits) < 0.5] == 1).all()


def test_informative_latents_get_their_share():
    assert intervals_from_kl(np.array([0.0, 1.0, 2.0, 3.3])).tolist() == [1, 2, 4, 9]


def test_numbers_of_intervals_are_the_nearest_to_the_information():
    """2^1.5 is 2.83: three intervals, if others leave the bits for them; and two where none do."""
    assert intervals_from_kl(np.array([0.2, 1.5])).tolist() == [1, 3]
    assert intervals_from_kl(np.array([0.4, 2.75, 3.3])).tolist() == [1, 7, 10]
    assert intervals_from_kl(np.array([1.5])).tolist() == [2]


def test_bits_are_taken_from_the_latents_that_exceed_their_share_most():
    assert intervals_from_kl(np.array([2.0, 1.5])).tolist() == [4, 2]
    assert intervals_from_kl(np.array([0.5, 0.5, 3.0])).tolist() == [1, 1, 8]
    assert intervals_from_kl(np.array([12.0, 1.0])).tolist() == [MAX_INTERVALS, 2]
