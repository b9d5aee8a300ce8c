"""Overheads over channels: bounds, families, and a small run."""

import numpy as np
import pytest
import scipy.integrate
import scipy.stats

from experiments import report
from experiments.synthetic import channel_bound
from experiments.synthetic import channels as synthetic_channels


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


def test_the_overhead(small_run, columns):
    result, folder = small_run("synthetic_overhead")
    assert {row["coder"] for row in result["one"]} == {"as_star", "as_star_coded", "pfr_split", "dad_star"}
    assert {row["coder"] for row in result["many"]} == {"as_star", "as_star_coded", "pfr_split"}
    assert [row[0] for row in columns(folder, "one")[1]][3:] == [
        "AS*",
        "AS*, coded branches",
        "PFR, partitioned",
        "DAD*",
    ]
    for place in ("one", "many"):
        for table in (place, f"{place}_delta", f"{place}_steps", f"{place}_bias"):
            assert columns(folder, table)[1]
        for row in result[place]:
            assert row["zeta_overhead"] > row["channel_overhead"] - 4 * row["zeta_overhead_se"]
    assert (folder / report.PLOT).exists()
