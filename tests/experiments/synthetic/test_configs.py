"""Settings that an experiment cannot use are refused with a sentence, before anything runs."""

import pytest

from experiments.config import ConfigError

CASES = {
    "synthetic_partition": [
        ("shares=[0.5, 0.6]", "sum to 1"),
        ("shares=[]", "sum to 1"),
        ("divergences=[0]", "different numbers"),
        ("divergences=[4, 4]", "different numbers"),
        ("information=[]", "different numbers"),
        ("approximate.plain_candidates_log2=[4, 2]", "ascend"),
        ("approximate.mmd2_levels=[]", "mmd2_levels must be"),
        ("approximate.runs=1", "at least 2"),
        ("budget=0", "budget must lie"),
    ],
    "synthetic_ablation": [
        ("intervals=[4, 3, 1, 8, 1]", "powers of two"),
        ("intervals=[64, 64, 1, 8, 1]", "product of intervals"),
        ("means=[1.0]", "each dimension"),
        ("candidates=0", "candidates must lie"),
        ("scales=[0.2, 0.3, 0.5, 0.1, 0]", "scales must lie"),
    ],
    "synthetic_large_block": [
        ("sweep.dimensions=[2]", "14 bits"),
        ("sweep.dimensions=[0]", "sweep.dimensions must be"),
        ("sweep.dimensions=[]", "sweep.dimensions must be"),
        ("sweep.samples=1", "at least 2"),
        ("bits=-3", "14 bits"),
        ("block.dimensions=0", "block.dimensions must lie"),
        ("block.mmd_repeats=0", "mmd_repeats must lie"),
        ("block.intervals=[]", "block.intervals must be"),
        ("sweep.most_candidates_log2=-2", "most_candidates_log2 must lie"),
    ],
    "synthetic_scalar": [
        ("divergences=[30]", "in 0.5 ... 24"),
        ("divergences=[4, 18]", "different numbers"),
        ("divergences=[]", "divergences must hold"),
        ("runs=1", "at least 2"),
        ("bits=[20]", "bits must be"),
        ('coders=["a_star"]', "choose from these"),
        ("bias_scale=0", "bias_scale must lie"),
        ("budget_log2=40", "budget_log2 must lie"),
        ("budget_log2=5", "raise it or leave"),
    ],
    "synthetic_overhead": [
        ("information=[4, 5]", "multiples of it"),
        ("information=[30]", "in 1 ... 22"),
        ("information=[2, 2]", "different numbers"),
        ("information=[]", "different numbers"),
        ('block_coders=["mrc"]', "choose from these"),
        ("budget_log2=-1", "budget_log2 must lie"),
        ("orc_log2=40", "orc_log2 must lie"),
        ("intervals_log2=-1", "intervals_log2 must lie"),
        ("candidates_to=1", "must reach"),
        ("runs=1", "at least 2"),
    ],
}


@pytest.mark.parametrize(
    ("name", "override", "words"), [(name, *case) for name, cases in CASES.items() for case in cases]
)
def test_configs_that_cannot_be_used_are_explained(settings, name, override, words):
    with pytest.raises(ConfigError, match=words):
        settings(name, override)
