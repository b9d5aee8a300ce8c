"""The figures of a method: evidence of all seeds is pooled before it is judged."""

import numpy as np
import pytest

from experiments.lossless import rates as lossless_rates
from experiments.lossless.methods import Method
from recjax.models.vae.evaluate import load_model
from recjax.rec import diagnostics
from training import data

SEEDS = (3, 4, 5)


@pytest.fixture(scope="module")
def images():
    return data.load("digits", "test").images[:5]


def row_of(method, images, folder, seeds=SEEDS):
    return lossless_rates.measure(method, "a, b", seeds, images, load_model("digits"), 1.9, folder)


@pytest.fixture(scope="module")
def searched(images, tmp_path_factory):
    """The row of a short search, and every report that was made for it."""
    reports, real = [], lossless_rates.encode_report
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            lossless_rates,
            "encode_report",
            lambda *a, **k: reports.append((k["seed"], real(*a, **k))) or reports[-1][1],
        )
        row = row_of(Method("pfr", candidates=4, block_bits=8.0), images, tmp_path_factory.mktemp("files"))
    return row, reports


def test_the_bias_is_that_of_all_draws_together(searched, images):
    row, reports = searched
    assert [seed for seed, _ in reports] == [SEEDS[0], *SEEDS]
    pooled = diagnostics.pool([report.draws for _, report in reports[1:]])
    assert row["bias_draws"] == len(SEEDS) * len(images)
    assert {key: value for key, value in row.items() if key.startswith("bias_")} == pytest.approx(
        {"bias_draws": row["bias_draws"]}
        | {f"bias_{name}": value for name, value in diagnostics.bias(pooled)._asdict().items()}
    )


def test_searches_that_the_budget_ended_are_counted_over_all_seeds(searched, images):
    row, reports = searched
    assert row["searches"] == len(SEEDS) * len(images) * reports[0][1].blocks
    assert row["exhausted_searches"] == sum(report.exhausted for _, report in reports[1:])
    # Four candidates do not satisfy the PFR's stopping rule.
    assert 0 < row["exhausted_searches"] <= row["searches"]


@pytest.mark.slow
def test_the_settings_are_those_that_were_used(searched, images, tmp_path):
    assert searched[0]["method"] == {"name": "pfr", "partition": True, "candidates": 4, "block_bits": 8.0}
    row = row_of(Method("orc"), images[:1], tmp_path, seeds=(0,))
    assert row["method"]["candidates"] > 1 and row["method"]["block_bits"] > 0
    assert row["file"] == "a-b.rjx" and (tmp_path / "a-b.rjx").stat().st_size == row["file_bytes"][0]
    # One draw is no evidence, and no error either.
    assert row["bias_draws"] is row["bias_ks"] is row["bias_mmd2"] is None
    assert row["exhausted_searches"] == 0


def test_a_chain_has_no_searches_and_no_bias(images, tmp_path):
    row = row_of(Method("bb-ans"), images, tmp_path, seeds=(0,))
    assert (row["searches"], row["exhausted_searches"], row["bias_ks"], row["bias_draws"]) == (0, 0, None, None)
    assert row["initial_bits"] > 0 and row["container_bits_per_dim"] > 0
    ideal = np.array([row["ideal_bits_per_dim"], row["code_bits_per_dim"] + row["likelihood_bits_per_dim"]])
    assert ideal[0] == pytest.approx(ideal[1])


@pytest.mark.parametrize(
    ("seeds", "words"),
    [
        ((), "at least one"),
        ((0, -1), r"seeds\.1.*\[0, 2\^64\).*-1"),
        ((2**64,), r"seeds\.0.*modulo"),
        ((7, 0, 7), r"seeds\.2.*7 again"),
        ((lossless_rates.LEARNING_SEED,), "learned"),
    ],
)
def test_seeds_are_checked(seeds, words):
    with pytest.raises(ValueError, match=words):
        lossless_rates.check_seeds(seeds)
    lossless_rates.check_seeds((0, 2**64 - 1))
