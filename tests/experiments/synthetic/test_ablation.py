"""The ablation: equal bits in every arm, and a small run."""

import numpy as np
import pytest

from experiments import report
from experiments.synthetic.ablation import report as synthetic_ablation_report
from experiments.synthetic.ablation import run as synthetic_ablation


@pytest.mark.slow
def test_the_ablation(small_run, columns):
    result, folder = small_run("synthetic_ablation")
    head, rows = columns(folder, "table")
    assert head == synthetic_ablation_report.COLUMNS and len(rows) == len(synthetic_ablation.ARMS)
    arms = {row["arm"]: row for row in result["arms"]}
    assert arms["informative"]["bias_ks"] < arms["uninformative"]["bias_ks"] / 1.5
    assert {row["log2_bins"] for name, row in arms.items() if name != "none"} == {6.0}
    assert result["kl_bits"] == pytest.approx([2.35, 1.54, 0.64, 3.65, 0.0], abs=0.01)
    assert (folder / report.PLOT).exists()


def test_the_arms_spend_equal_bits(settings):
    chosen = settings("synthetic_ablation", "samples=50")
    assert synthetic_ablation.intervals_of(chosen, "none") is None
    for arm in synthetic_ablation.ARMS[1:]:
        assert (np.prod(np.asarray(synthetic_ablation.intervals_of(chosen, arm)), axis=1) == 64).all()
    wrong = np.asarray(synthetic_ablation.intervals_of(chosen, "uninformative"))
    assert (wrong == [1, 1, 1, 1, 64]).all()
