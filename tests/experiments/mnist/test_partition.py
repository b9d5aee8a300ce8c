"""The experiment on space partitioning end to end, on the released digits."""

import csv
import json

import numpy as np
import pytest

from experiments import __main__ as command
from experiments.config import ConfigError
from experiments.mnist.partition import code_rows
from experiments.mnist.partition import notes as mnist_partition_notes
from experiments.mnist.partition import report as mnist_partition_report
from experiments.mnist.partition import run as mnist_partition
from experiments.mnist.partition.rows import Rows, images_of_a_seed

SMALL = """
experiment = "mnist_partition"
images = 8
elbo_samples = 2
seeds = 2
most_candidates = 48
[codes]
blocks = 2
candidates = 8
learn_images = 64
[model]
name = "digits"
data = "digits"
[[rows]]
method = "orc"
blocks = [2]
candidates = [8]
[[rows]]
method = "ad-star"
"""


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """Folder and result of a run on 8 digits."""
    folder = tmp_path_factory.mktemp("partition")
    (folder / "config.toml").write_text(SMALL)
    assert command.main([str(folder / "config.toml"), "--out", str(folder)]) == 0
    return folder, json.loads((folder / "result.json").read_text())


@pytest.mark.slow
def test_rates_are_those_of_the_files_and_their_parts(small):
    _, result = small
    for row in result["rows"]:
        assert row["payload_bits_per_dim"] < row["file_bits_per_dim"]
        parts = row["code_bits_per_dim"] + row["likelihood_bits_per_dim"]
        assert row["payload_bits_per_dim"] == pytest.approx(parts, rel=0.02)
        assert row["code_bits_per_image"] == pytest.approx(64 * row["code_bits_per_dim"])
    orc, scalar = result["rows"]
    # 48 candidates are enough for three images of two blocks of eight.
    assert (orc["images_per_seed"], scalar["images_per_seed"]) == (3, 4) and orc["blocks"] <= 2


@pytest.mark.slow
def test_divergences_are_of_blocks_and_latents(small):
    kl = small[1]["kl"]
    assert np.sum(kl["block_mean_bits"]) == pytest.approx(np.sum(kl["mean_bits"]), rel=1e-3)
    np.testing.assert_allclose(np.asarray(kl["mean_bits"]), kl["model_mean_bits"], atol=0.1)
    assert [sum(counts) for counts in kl["block_counts"]] == [kl["training_images"]] * len(kl["block_counts"])
    assert np.shape(kl["images_bits"]) == (8, 20)


@pytest.mark.slow
def test_the_table_has_a_row_for_each_setting_and_the_bound(small):
    folder, result = small
    head, *rows = csv.reader((folder / "table.csv").read_text().splitlines())
    assert tuple(head) == mnist_partition_report.COLUMNS and len(rows) == 1 + len(result["rows"])
    assert [row[0] for row in rows] == ["theoretical optimum (-ELBO)", "ORC, partitioned", "AD*, per dimension"]
    assert (folder / "plot.png").exists()


@pytest.mark.slow
def test_learned_codes_are_of_the_same_samples(small, columns):
    folder, result = small
    plain, index, both = result["codes"]
    assert [(row["bin_code"], row["index_code"]) for row in (plain, index, both)] == list(code_rows.KINDS)
    assert plain["likelihood_bits_per_dim"] == index["likelihood_bits_per_dim"] == both["likelihood_bits_per_dim"]
    assert plain["code_bits_per_image"] == result["rows"][0]["code_bits_per_image"] and plain["learned_here"]
    head, rows = columns(folder, "codes")
    assert head == mnist_partition_report.CODE_COLUMNS
    assert [row[:2] for row in rows] == [["equal", "zeta"], ["equal", "learned"], ["learned", "learned"]]
    assert rows[1][3] == f"{plain['code_bits_per_image'] - index['code_bits_per_image']:.2f}"


def partition_row(method, overhead, blocks=None):
    """What the notes need of a row."""
    scalar = blocks is None
    return {
        "method": method,
        "partition": not scalar,
        "blocks": blocks,
        "candidates": None if scalar else 256,
        "payload_overhead": overhead,
        "file_overhead": overhead + 0.02,
    }


def test_the_notes_name_the_row_of_the_smallest_payload_and_how_far_others_are():
    rows = [partition_row("orc", 0.02, 2), partition_row("orc", 0.008, 1), partition_row("gprs", 0.12)]
    best, others = mnist_partition_notes._best(rows)
    assert best.endswith(
        "ORC, partitioned, 1 block of 256 candidates, payload +0.80% and whole file +2.80% from -ELBO."
    )
    assert others.endswith("is 10.0% below GPRS, per dimension.")
    assert list(mnist_partition_notes._best(rows[2:])) == []


def test_large_searches_code_fewer_images():
    options = {"blocks": 4, "candidates": 1024}
    assert images_of_a_seed(options, 10_000, 5, 1 << 20) == 256
    assert images_of_a_seed(options, 10_000, 5, 1 << 30) == 2_000
    assert images_of_a_seed(options, 10_000, 5, 1) == 2
    assert images_of_a_seed({"method": "gprs"}, 50, 5, 1 << 20) == 10


def test_a_row_stands_for_every_pair():
    options = Rows("orc", True, (1, 2), (64, 128)).options
    assert [(each["blocks"], each["candidates"]) for each in options] == [(1, 64), (1, 128), (2, 64), (2, 128)]
    assert Rows("gprs").options == [{"method": "gprs"}]


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("model.name=", "must be that of a model"),
        ("rows=[]", "'rows' must have at least one"),
        ("seeds=0", "seeds must be at least 1"),
        ("rows.0.candidates=[100]", "power of two"),
        ("rows.0.blocks=[]", "rows.0: orc must have blocks"),
        ("rows.0.method=none", "unknown method|must have"),
        ("codes.candidates=100", "codes: candidates must be a power of two"),
        ("codes.learn_images=0", "learn_images must be at least 1"),
    ],
)
def test_configs_that_cannot_be_used_are_explained(settings, override, words):
    with pytest.raises(ConfigError, match=words):
        settings("mnist_partition", override)


def test_the_shipped_config_has_the_rows_of_the_paper(settings):
    config = settings("mnist_partition")
    assert isinstance(config, mnist_partition.Config) and config.seeds == 5
    assert {blocks for rows in config.rows for blocks in rows.blocks} == {1, 2, 4, 8}
    assert {"orc", "pfr", "gprs", "as-star", "ad-star"} == {rows.method for rows in config.rows}
