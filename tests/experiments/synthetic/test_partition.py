"""The experiment on partitions: its targets, what is read off its curves, and a small run."""

import numpy as np
import pytest

from experiments import report
from experiments.synthetic import targets as synthetic
from experiments.synthetic.partition import report as synthetic_partition_report
from experiments.synthetic.partition import run as synthetic_partition
from experiments.synthetic.partition.targets import of_divergence, of_information
from recjax.distributions.divergences import renyi_infinity_bits


@pytest.mark.parametrize("divergence", [2.0, 14.0])
def test_the_targets_of_the_first_panel_have_the_divergence_stated(divergence):
    chosen = of_divergence((0.5, 0.3, 0.2), 0)(divergence, 50, 1)
    found = np.sum(np.asarray(renyi_infinity_bits(chosen.normal, synthetic.PRIOR)), axis=1)
    np.testing.assert_allclose(found, divergence, atol=1e-2)


@pytest.mark.parametrize(
    ("curve", "log2"),
    [
        ([(4, 0.2), (16, 0.1), (64, 0.05)], 4.0),
        ([(4, 0.4), (16, 0.025)], 3.0),
        ([(1, 0.05)], 0.0),
        ([(4, 0.4), (16, 0.2)], None),
        ([(4, 0.4), (16, -0.001)], 2 + 2 * 2 / 5),
    ],
)
def test_candidates_needed_are_interpolated(curve, log2):
    assert synthetic_partition.log2_needed(curve, 0.1) == (None if log2 is None else pytest.approx(log2))


@pytest.mark.slow
def test_the_partition_experiment(small_run, columns):
    result, folder = small_run("synthetic_partition", "approximate.mmd2_levels=[0.1]")
    assert columns(folder, "table")[0] == synthetic_partition_report.COLUMNS
    assert columns(folder, "candidates")[0] == ("D_inf, bits", "MMD² 0.1, no partition", "MMD² 0.1, partitioned")
    assert {row["partitioned"] for row in result["exact"]} == {False, True}
    for row in result["exact"]:
        assert row["code_bits"] < row["bound_bits"] and row["bias_ks_pvalue"] > 1e-4
        assert row["log2_bins"] <= row["kl_bits"]
    for row in result["channels"]:
        assert row["information"] == pytest.approx(row["kl_bits"], abs=0.2)
        assert row["overhead"] < row["bound_bits"] - row["kl_bits"]
    assert columns(folder, "channels")[0] == synthetic_partition_report.CHANNEL_COLUMNS
    assert "times fewer" in (folder / "table.md").read_text() and (folder / report.PLOT).exists()


def test_channels_have_the_information_stated():
    made = of_information((0.5, 0.5, 0.0), 0)(6.0, 20_000, 1)
    np.testing.assert_allclose(made.kl_bits.mean(axis=0), [3, 3, 0], atol=0.05)
