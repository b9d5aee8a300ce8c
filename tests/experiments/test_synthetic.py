"""The experiments on Gaussian targets: their closed forms, and each of them at its smallest."""

import csv
import json
from pathlib import Path

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from experiments import (
    __main__,
    channel_bound,
    codelength,
    config,
    report,
    synthetic,
    synthetic_ablation,
    synthetic_ablation_report,
    synthetic_channels,
    synthetic_large_block,
    synthetic_large_block_report,
    synthetic_overhead,
    synthetic_partition,
    synthetic_partition_report,
    synthetic_scalar,
)
from recjax import rec
from recjax.distributions.divergences import kl_bits, renyi_infinity_bits
from recjax.rec import diagnostics

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
SMALLEST = {
    "synthetic_partition": ["divergences=[5]", "approximate.mmd2_levels=[0.1]"],
    "synthetic_ablation": [],
    "synthetic_large_block": [],
    "synthetic_scalar": ['coders=["as_star"]'],
    "synthetic_overhead": ["information=[2]"],
}


def settings(name, module, *overrides):
    table = config.resolve(config.read(CONFIGS / f"{name}.toml"), overrides=overrides)
    return config.build(module.Config, table)


@pytest.fixture(scope="module")
def smoke(tmp_path_factory):
    """result(name): of one small run, with its folder."""
    done = {}

    def result(name):
        if name not in done:
            folder = tmp_path_factory.mktemp(name)
            arguments = [str(CONFIGS / f"{name}.toml"), "--smoke", "--out", str(folder), *SMALLEST[name]]
            assert __main__.main(arguments) == 0
            done[name] = json.loads((folder / report.RESULT).read_text()), folder
        return done[name]

    return result


def columns(folder, table):
    rows = list(csv.reader((folder / f"{table}.csv").read_text().splitlines()))
    return tuple(rows[0]), rows[1:]


def test_divergences_of_the_targets_are_those_of_the_library():
    noise = np.random.default_rng(0).standard_normal((6, 3))
    made = synthetic.targets(np.array([0.0, 1.5, 4.0]), noise)
    np.testing.assert_allclose(made.kl_bits, kl_bits(made.normal, synthetic.PRIOR), atol=1e-5)
    found = np.asarray(renyi_infinity_bits(made.normal, synthetic.PRIOR))
    expected = np.array([1.5, 4.0]) + noise[:, 1:] ** 2 / (2 * np.log(2))
    np.testing.assert_allclose(found[:, 1:], expected, atol=2e-2)


@pytest.mark.parametrize("divergence", [2.0, 14.0])
def test_the_targets_of_the_first_panel_have_the_divergence_stated(divergence):
    chosen = synthetic_partition.make_targets(
        settings("synthetic_partition", synthetic_partition), divergence, runs=50, seed=1
    )
    found = np.sum(np.asarray(renyi_infinity_bits(chosen.normal, synthetic.PRIOR)), axis=1)
    np.testing.assert_allclose(found, divergence, atol=1e-2)


def test_the_kl_that_a_bin_leaves():
    # From an independent simulation.
    made = synthetic.Targets(np.array([[1.0], [2.0]]), np.array([[0.25], [0.05]]))
    assert synthetic.residual_kl_bits(made, [4])[0] == pytest.approx(0.50, abs=0.01)
    assert synthetic.residual_kl_bits(made, [64])[1] == pytest.approx(0.53, abs=0.01)
    np.testing.assert_allclose(synthetic.residual_kl_bits(made, [1]), made.kl_bits[:, 0])


def test_evidence_of_exact_samples_shows_no_bias_and_of_others_does():
    rng = np.random.default_rng(1)
    made = synthetic.targets(np.array([1.0, 2.0]), rng.standard_normal((800, 2)))
    for factor, exact in ((1.0, True), (1.5, False)):
        draws = synthetic.evidence(made, made.mean + factor * made.scale * rng.standard_normal((800, 2)), 0)
        found = diagnostics.bias(draws)
        assert (found.ks < found.ks_limit) == (found.log_ratio_pvalue > 0.01) == exact
        assert synthetic.ks_per_dimension(draws.uniforms).max() == pytest.approx(found.ks)


def test_a_longer_mean_index_makes_a_longer_code_of_small_indices():
    short, long = (
        synthetic.code_bits(synthetic.Lengths(3.0, mean, 4.0, 0.0), jnp.array([1, 2], jnp.uint32), 64)
        for mean in (1.0, 4.0)
    )
    assert (short < long).all() and short[0] > 3.0


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


def test_the_partition_experiment(smoke):
    result, folder = smoke("synthetic_partition")
    assert columns(folder, "table")[0] == synthetic_partition_report.COLUMNS
    assert columns(folder, "candidates")[0] == ("D_inf, bits", "MMD² 0.1, plain", "MMD² 0.1, partitioned")
    assert {row["partitioned"] for row in result["exact"]} == {False, True}
    for row in result["exact"]:
        assert row["code_bits"] < row["bound_bits"] and row["bias_ks_pvalue"] > 1e-4
        assert row["log2_bins"] <= row["kl_bits"]
    assert "times fewer" in (folder / "table.md").read_text() and (folder / report.PLOT).exists()


def test_the_ablation(smoke):
    result, folder = smoke("synthetic_ablation")
    head, rows = columns(folder, "table")
    assert head == synthetic_ablation_report.COLUMNS and len(rows) == len(synthetic_ablation.ARMS)
    arms = {row["arm"]: row for row in result["arms"]}
    assert arms["informative"]["bias_ks"] < arms["uninformative"]["bias_ks"] / 1.5
    assert {row["log2_bins"] for name, row in arms.items() if name != "none"} == {6.0}
    assert result["kl_bits"] == pytest.approx([2.35, 1.54, 0.64, 3.65, 0.0], abs=0.01)
    assert (folder / report.PLOT).exists()


def test_the_arms_spend_equal_bits():
    chosen = settings("synthetic_ablation", synthetic_ablation, "samples=50")
    assert synthetic_ablation.intervals_of(chosen, "none") is None
    for arm in synthetic_ablation.ARMS[1:]:
        assert (np.prod(np.asarray(synthetic_ablation.intervals_of(chosen, arm)), axis=1) == 64).all()
    wrong = np.asarray(synthetic_ablation.intervals_of(chosen, "uninformative"))
    assert (wrong == [1, 1, 1, 1, 64]).all()


def test_the_large_block(smoke):
    result, folder = smoke("synthetic_large_block")
    assert columns(folder, "table")[0] == synthetic_large_block_report.COLUMNS
    for name in ("by_dimensions", "by_intervals"):
        head, rows = columns(folder, name)
        assert head == synthetic_large_block_report.SWEEP_COLUMNS and len(rows) == len(result[name]) == 1
    split, plain = result["blocks"]
    assert split["bias_ks"] < plain["bias_ks"] and split["residual_kl_bits"] < plain["residual_kl_bits"] / 2
    assert (folder / report.PLOT).exists()


@pytest.mark.parametrize("divergence", [1.0, 4.0, 16.0])
def test_the_targets_of_the_scalar_coders_have_the_divergence_stated(divergence):
    made = synthetic_scalar.make_targets(settings("synthetic_scalar", synthetic_scalar), divergence, runs=50)
    np.testing.assert_allclose(renyi_infinity_bits(made.normal, synthetic.PRIOR), divergence, atol=2e-3)
    assert np.ptp(made.mean) > 0.4 and (made.scale < 1).all()


@pytest.mark.parametrize(
    ("square_mean", "scale", "dims"), [(0.06, 0.6, 1), (1.0, 1e-5, 1), (0.0, 0.25, 1), (3.0, 0.25, 5), (12.0, 0.25, 10)]
)
def test_the_channel_simulation_divergence_is_its_integral(square_mean, scale, dims):
    narrowing = 1 - scale**2
    top = -dims * np.log(scale) + square_mean / (2 * narrowing)
    # P[r >= h] at h = exp(top - drop), where a ball around the mode ends; scipy wants a centre off the origin.
    away = max(square_mean / narrowing**2, 1e-12)

    def integrand(drop):
        mass = scipy.stats.ncx2.cdf(2 * drop * scale**2 / narrowing, dims, away)
        return -mass * np.log2(mass) * np.exp(top - drop) if mass > 0 else 0.0

    expected = sum(
        scipy.integrate.quad(integrand, *ends, limit=300, epsabs=1e-8)[0] for ends in ((0, 2), (2, top + 25))
    )
    assert channel_bound.channel_simulation_bits(square_mean, scale, dims) == pytest.approx(expected, abs=1e-5)


def test_channels_have_the_information_stated_and_bounds_in_order():
    made = synthetic_channels.make_family(8, 4, runs=20_000, seed=0, intervals_log2=12)
    assert made.dims == 4 and made.intervals_log2 == 2
    assert made.kl_bits.mean() == pytest.approx(8, abs=0.05)
    known = made.known()
    assert 0 < known["channel_overhead"] < known["ring_toss"] < known["functional"]
    targets, intervals = made.widened(6)
    assert targets.mean.shape == (20_000, 6) and (targets.kl_bits[:, 4:] == 0).all()
    assert (intervals == [4, 4, 4, 4, 1, 1]).all()


def test_codelengths_of_indices_and_paths():
    # The lengths that Elias 1975 gives.
    numbers = np.array([1, 2, 3, 4, 8, 16, 32, 64])
    np.testing.assert_array_equal(codelength.delta_bits(numbers), [1, 4, 4, 5, 8, 9, 10, 11])
    depth = jnp.array([[0, 3], [1, 4], [2, 63]], jnp.uint32)
    found = codelength.code_bits(rec.Path(depth, jnp.zeros((3, 2, 2), jnp.uint32)), (3, 2), 20)
    np.testing.assert_array_equal(found.delta, codelength.delta_bits(np.asarray(depth) + 1) + depth)
    # The law of each column sums to 1, but for what its table keeps for larger indices, and knows its mean alone.
    index = jnp.stack([jnp.arange(1, 65), jnp.ones(64)], axis=1).astype(jnp.uint32)
    zeta = codelength.code_bits(rec.Code(jnp.zeros((64, 2, 1), jnp.uint32), index), (64, 2), 6, [0.0, 3.0]).zeta
    assert np.exp2(-zeta[:, 0]).sum() == pytest.approx(1, abs=3e-3)
    np.testing.assert_allclose(zeta[:, 1], 3, atol=1e-2)


def test_the_line_through_mean_steps():
    rng = np.random.default_rng(0)
    x = np.arange(1.0, 17.0)
    y = 0.9 * x + 0.5 + 0.05 * rng.standard_normal(16)
    rows = [{"coder": "ad_star", "divergence": d, "steps": s, "steps_se": 0.05} for d, s in zip(x, y, strict=True)]
    (fit,) = synthetic_scalar.fit_line(rows, "ad_star")
    assert fit["slope"] == pytest.approx(0.9, abs=4 * fit["slope_se"]) and fit["slope_se"] < 0.01
    assert fit["offset"] == pytest.approx(0.5, abs=4 * fit["offset_se"]) and fit["r_squared"] > 0.999
    assert synthetic_scalar.fit_line(rows, "ad_star", 4)[0]["from"] == 4
    # A line through two points says nothing.
    assert synthetic_scalar.fit_line(rows[:2], "ad_star") == []


def test_the_scalar_coders(smoke):
    result, folder = smoke("synthetic_scalar")
    assert {row["coder"] for row in result["exact"]} == {"as_star"} == {fit["coder"] for fit in result["fits"]}
    for row in result["exact"]:
        assert row["kl_bits"] < row["channel_bits"] and not row["exhausted"] and not row["unsuited"]
    for table in ("steps", "code", "delta", "bias", "grid"):
        head, rows = columns(folder, table)
        assert rows and len(head) == len(rows[0])
    assert columns(folder, "code")[0] == ("D_inf, bits", "KL", "D_CS", "AS*")
    assert "R²" in (folder / "steps.md").read_text() and (folder / report.PLOT).exists()


def test_the_overhead(smoke):
    result, folder = smoke("synthetic_overhead")
    assert {row["coder"] for row in result["one"]} == {"as_star", "pfr_split"} == {r["coder"] for r in result["many"]}
    assert columns(folder, "one")[0][-2:] == ("AS*", "PFR, partitioned")
    for place in ("one", "many"):
        for table in (place, f"{place}_delta", f"{place}_search"):
            assert columns(folder, table)[1]
        for row in result[place]:
            assert row["zeta_overhead"] > row["channel_overhead"] - 4 * row["zeta_overhead_se"]
    assert (folder / report.PLOT).exists()


@pytest.mark.parametrize(
    ("name", "module", "override", "word"),
    [
        ("synthetic_partition", synthetic_partition, "shares=[0.5, 0.6]", "sum to 1"),
        ("synthetic_partition", synthetic_partition, "divergences=[0]", "above 0"),
        ("synthetic_partition", synthetic_partition, "approximate.plain_candidates_log2=[4, 2]", "ascend"),
        ("synthetic_ablation", synthetic_ablation, "intervals=[4, 3, 1, 8, 1]", "powers of two"),
        ("synthetic_ablation", synthetic_ablation, "means=[1.0]", "each dimension"),
        ("synthetic_large_block", synthetic_large_block, "sweep.dimensions=[2]", "14 bits"),
        ("synthetic_large_block", synthetic_large_block, "sweep.samples=1", "at least 2"),
        ("synthetic_scalar", synthetic_scalar, "divergences=[30]", "0.5 ... 24"),
        ("synthetic_scalar", synthetic_scalar, "runs=1", "at least 2"),
        ("synthetic_scalar", synthetic_scalar, "divergences=[4, 18]", "must differ"),
        ("synthetic_scalar", synthetic_scalar, "bits=[20]", "1 ... 17"),
        ("synthetic_scalar", synthetic_scalar, 'coders=["a_star"]', "choose from these"),
        ("synthetic_overhead", synthetic_overhead, "information=[4, 5]", "multiples of it"),
        ("synthetic_overhead", synthetic_overhead, "information=[30]", "1 ... 22"),
        ("synthetic_overhead", synthetic_overhead, 'block_coders=["mrc"]', "choose from these"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(name, module, override, word):
    with pytest.raises(ValueError, match=word):
        settings(name, module, override)
