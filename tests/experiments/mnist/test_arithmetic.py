"""What exactness costs: the experiment end to end on a few images, and the largest costs that its table states."""

import pytest
import rich.console

from experiments import config
from experiments.lossless.model_sources import ModelSource
from experiments.mnist.arithmetic import report as mnist_arithmetic_report
from experiments.mnist.arithmetic import run as mnist_arithmetic

DEVICE = {"cpu_cores": 2, "machine": "x86_64", "vectors": "AVX2"}


def test_files_in_both_arithmetics(tmp_path):
    settings = mnist_arithmetic.Config(
        "mnist_arithmetic", (ModelSource("digits", "digits"),), ("bb-ans",), (20,), rounds=1
    )
    result = mnist_arithmetic.run(settings, tmp_path, rich.console.Console(quiet=True))
    (row,) = result["rows"]
    assert row["images"] == 20 and abs(mnist_arithmetic_report.loss(row)) < 0.05
    assert row["stated_exact"] and len(row["exact_takes_times"]["decode"]) == 1


def row_of(exact_bytes: int, times: float) -> dict:
    return {
        "name": "m", "method": "bb-ans", "stated_float": 1.0, "stated_exact": 1.001,
        "file_bytes": {"exact": exact_bytes, "float": 1000}, "bits_per_dim": {"exact": 1.0, "float": 1.0},
        "images_per_second": {name: {"encode": 10.0, "decode": 20.0} for name in ("exact", "float")},
        "exact_takes_times": {"encode": [1.0, 1.2, 1.1], "decode": [times] * 3},
    }  # fmt: skip


def test_the_table_states_the_largest_costs(tmp_path):
    stated = {"rounds": 3, "methods": ["bb-ans"], "images": [20]}
    result = {"config": stated, "device": DEVICE, "rows": [row_of(1001, 1.5), row_of(1003, 1.4)]}
    (table,) = mnist_arithmetic_report.tables(result)
    assert table.notes[0].endswith("over the float file's: +0.30%; largest ratio of times: 1.50.")
    assert [row[4] for row in table.rows] == ["+0.10%", "+0.30%"] and table.rows[0][1] == "BB-ANS"
    assert table.rows[0][5] == "+0.100%" and table.rows[0][-2] == "1.10 (1.00 to 1.20)"
    mnist_arithmetic_report.plot(result, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_settings_that_do_not_fit_are_explained():
    with pytest.raises(ValueError, match="methods must be some of bb-ans, orc"):
        mnist_arithmetic.Config("mnist_arithmetic", (ModelSource("digits", "digits"),), ("bb-ans", "orc"), (20,))
    assert config.read("configs/mnist_arithmetic.toml")["images"] == [10000, 2000]
