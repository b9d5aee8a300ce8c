"""The large block: a small run, and what its tests decide."""

import pytest

from experiments import report
from experiments.synthetic.large_block import report as synthetic_large_block_report
from experiments.synthetic.large_block import verdicts as synthetic_large_block_notes


@pytest.mark.slow
def test_the_large_block(small_run, columns):
    result, folder = small_run("synthetic_large_block")
    assert columns(folder, "table")[0] == synthetic_large_block_report.COLUMNS
    for name in ("by_dimensions", "by_intervals"):
        head, rows = columns(folder, name)
        assert head == synthetic_large_block_report.SWEEP_COLUMNS and len(rows) == len(result[name]) == 1
    split, plain = result["blocks"]
    assert split["bias_ks"] < plain["bias_ks"] and split["residual_kl_bits"] < plain["residual_kl_bits"] / 2
    assert (folder / report.PLOT).exists()


def test_a_search_passes_if_no_test_shows_a_bias():
    row = {"bias_ks_pvalue": 0.3, "bias_log_ratio_pvalue": 0.02, "bias_mmd2": 2e-4}
    exact = [1e-4, 3e-4, -1e-4]
    assert synthetic_large_block_notes.mmd_p_value(row, exact) == 0.5
    assert synthetic_large_block_notes.passes(row, exact)
    assert not synthetic_large_block_notes.passes(row | {"bias_mmd2": 4e-4}, exact)
    assert not synthetic_large_block_notes.passes(row | {"bias_log_ratio_pvalue": 3e-4}, exact)
