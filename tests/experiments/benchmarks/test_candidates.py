"""Benchmarks: contenders code the same blocks, and tables say what was measured. No figure of time is tested."""

import dataclasses
import json

import numpy as np
import pytest
import scipy.special

from experiments import registry
from experiments.benchmarks import pinned
from experiments.benchmarks.candidates import report
from experiments.benchmarks.cases import Case
from experiments.benchmarks.contenders import usual_numpy
from experiments.config import ConfigError, build, resolve

CASE = Case("some", (1.0, 2.0, 0.5), 256)
IN_BINS = Case("some in bins", (1.0, 2.0, 0.5), 256, (2, 4, 1))


def test_targets_have_about_the_stated_divergence():
    mean, scale = (x.astype(np.float64) for x in Case("one", (0.5, 2.0, 3.0), 1).targets(4000))
    bits = (0.5 * (scale**2 + mean**2 - 1) - np.log(scale)) / np.log(2)
    assert np.allclose(bits.mean(axis=0), [0.5, 2.0, 3.0], atol=0.02)


def test_the_usual_coder_samples_the_target():
    """So that a contender is no straw man: z of the winner, by its own candidates."""
    mean, scale = IN_BINS.targets(1)
    rng, found = np.random.default_rng(0), []
    for _ in range(500):
        intervals, rank = usual_numpy._partitioned(rng, mean[0], scale[0], IN_BINS)
        assert (intervals < IN_BINS.intervals).all() and rank >= 1
        found.append(intervals)
    inner = scipy.special.ndtr((scipy.special.ndtri([0.25, 0.5, 0.75]) - mean[0, 1]) / scale[0, 1])
    share = np.bincount(np.array(found)[:, 1], minlength=4) / 500
    assert np.allclose(share, np.diff([0, *inner, 1]), atol=0.08)


@pytest.mark.parametrize(("contender", "case"), [("usual_numpy", IN_BINS), ("usual_jax", CASE)])
def test_a_contender_runs_in_a_process_of_its_own(contender, case):
    found = pinned.contest(contender, {"case": dataclasses.asdict(case), "blocks": 2}, 0.01)
    rates = found["rates"]["candidates"]
    assert len(rates) >= 3 and min(rates) > 0 and found["first_call_seconds"]["candidates"] > 0
    assert found["package"].split()[0] in ("numpy", "jax")


def test_a_contender_that_fails_says_why():
    with pytest.raises(ValueError, match=r"usual_jax failed on 'some in bins': ValueError: .* leave it out"):
        pinned.contest("usual_jax", {"case": dataclasses.asdict(IN_BINS), "blocks": 2}, 0.01)


@pytest.fixture(scope="module")
def result():
    """Two rounds of a machine that halves its speed between them."""
    rows = [
        {
            "case": "some",
            "contender": name,
            "round": turn,
            "rates": [rate / 2**turn] * 3,
            "first_call_seconds": 1.0,
            "package": f"{name} 1.0",
        }
        for turn in range(2)
        for name, rate in (("ours", 8e6), ("usual_numpy", 2e6))
    ]
    entry = {"case": {"name": "some"}, "contenders": ["usual_torch", "usual_numpy"]}
    return {
        "experiment": "bench_candidates",
        "config": {"entries": [entry], "rounds": 2},
        "rows": rows,
        "left_out": ["usual_torch"],
        "device": {"cpu_cores": 2, "machine": "x86_64", "vectors": "AVX2"},
    }


def test_ratios_are_taken_within_rounds(result, tmp_path):
    assert report.ratios(result, "some", "usual_numpy") == [4.0, 4.0]
    (table,) = report.tables(result)
    assert table.rows == (
        ("some", "recjax", "6.0", "-", "1.00"),
        ("some", "NumPy", "1.5", "4.0 (4.0 to 4.0)", "1.00"),
    )
    assert "Left out, as their packages were missing: PyTorch." in table.notes
    report.plot(result, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


CONFIG = {
    "experiment": "bench_candidates",
    "entries": [{"case": {"name": "a", "kl_bits": [1.0], "candidates": 8}, "contenders": []}],
}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("rounds=0", "at least one of rounds"),
        ("entries.0.case.kl_bits=[]", "kl_bits of 'a' must"),
        ("entries.0.case.candidates=0", r"must lie in 1 \.\.\. 2\^20"),
        ("entries.0.case.intervals=[2, 2]", "one for each of kl_bits"),
        ('entries.0.contenders=["ours"]', "contenders of 'a' must be other packages"),
        ("entries.0.blocks=0", "blocks of 'a' must"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(override, words):
    with pytest.raises(ConfigError, match=words):
        build(registry.runner("bench_candidates").Config, resolve(json.loads(json.dumps(CONFIG)), overrides=[override]))
