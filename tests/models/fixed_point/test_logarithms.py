"""Integer logarithms and exponentials against floats."""

import numpy as np

from recjax.models.fixed_point.logarithms import EXP2_ONE, exp2_fixed, log2_fixed


def test_log2_is_within_two_units():
    rng = np.random.default_rng(0)
    x = np.concatenate([np.arange(1, 5000), np.exp(rng.uniform(0, 42.9, 20_000)).astype(np.int64), 2 ** np.arange(62)])
    assert np.abs(log2_fixed(x) - np.log2(x) * 2**24).max() <= 2
    np.testing.assert_array_equal(log2_fixed(2 ** np.arange(62)), np.arange(62) << 24)


def test_exp2_is_within_eight_units():
    x = np.concatenate([np.arange(5000), np.random.default_rng(0).integers(0, 40 << 24, 20_000)])
    assert np.abs(exp2_fixed(x) - np.exp2(30 - x / 2**24)).max() <= 8
    assert exp2_fixed(np.array([0, 1 << 24, 80 << 24])).tolist() == [EXP2_ONE, EXP2_ONE // 2, 0]
