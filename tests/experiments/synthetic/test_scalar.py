"""The experiment in one dimension: its targets, its fits, and a small run."""

import numpy as np
import pytest

from experiments import report
from experiments.synthetic import targets as synthetic
from experiments.synthetic.scalar.line_fit import fit_line
from experiments.synthetic.scalar.targets import make_targets
from recjax.distributions.divergences import renyi_infinity_bits


@pytest.mark.parametrize("divergence", [1.0, 4.0, 16.0])
def test_the_targets_of_the_scalar_coders_have_the_divergence_stated(divergence):
    made = make_targets(divergence, 50, seed=0)
    np.testing.assert_allclose(renyi_infinity_bits(made.normal, synthetic.PRIOR), divergence, atol=2e-3)
    assert np.ptp(made.mean) > 0.4 and (made.scale < 1).all()


def test_the_line_through_mean_steps():
    rng = np.random.default_rng(0)
    x = np.arange(1.0, 17.0)
    y = 0.9 * x + 0.5 + 0.05 * rng.standard_normal(16)
    rows = [{"coder": "ad_star", "divergence": d, "steps": s, "steps_se": 0.05} for d, s in zip(x, y, strict=True)]
    (fit,) = fit_line(rows, "ad_star")
    assert fit["slope"] == pytest.approx(0.9, abs=4 * fit["slope_se"]) and fit["slope_se"] < 0.01
    assert fit["offset"] == pytest.approx(0.5, abs=4 * fit["offset_se"]) and fit["r_squared"] > 0.999
    assert fit_line(rows, "ad_star", 4)[0]["from"] == 4
    # Means off the line by ten times their errors widen those of the line as much.
    bent = [row | {"steps": row["steps"] + 0.5 * (-1) ** i} for i, row in enumerate(rows)]
    (worse,) = fit_line(bent, "ad_star")
    assert worse["chi2_per_dof"] > 50 > 5 > fit["chi2_per_dof"] and worse["slope_se"] > 5 * fit["slope_se"]
    # A line through two points says nothing.
    assert fit_line(rows[:2], "ad_star") == []


def test_the_scalar_coders(small_run, columns):
    result, folder = small_run("synthetic_scalar", 'coders=["as_star"]')
    assert {row["coder"] for row in result["exact"]} == {"as_star", "as_star_coded"}
    assert {fit["coder"] for fit in result["fits"]} == {"as_star"}
    for row in result["exact"]:
        assert row["ks_pvalue"] > 1e-4 and not row["exhausted"] and not row["unsuited"]
    for table in ("steps", "code", "delta", "bias", "grid"):
        head, rows = columns(folder, table)
        assert rows and len(head) == len(rows[0])
    assert [row[0] for row in columns(folder, "code")[1]] == ["KL", "D_CS", "AS*", "AS*, coded branches"]
    assert all(row["kl_bits"] < row["channel_bits"] for row in result["targets"])
    assert "R²" in (folder / "steps.md").read_text() and (folder / report.PLOT).exists()
