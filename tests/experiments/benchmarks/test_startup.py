"""Start-up times: commands run in processes of their own, and the table of them."""

import pytest

from experiments.benchmarks.startup import report as startup_report
from experiments.benchmarks.startup import run as startup

DEVICE = {"cpu_cores": 2, "machine": "x86_64", "vectors": "AVX2"}


def test_a_command_is_timed_in_its_own_process(tmp_path):
    found = startup._timed(("--help",), tmp_path, tmp_path / "cache")
    assert 0 < found["seconds"] < 60
    assert found["megabytes"] is None or found["megabytes"] > 1


def test_what_fails_is_told(tmp_path):
    with pytest.raises(ValueError, match=r"`recjax info none\.rjx` failed: recjax: none\.rjx: No such file"):
        startup._timed(("info", "none.rjx"), tmp_path, tmp_path / "cache")


def test_the_table(tmp_path):
    row = {"command": "recjax --help", "cold": {"seconds": 0.5, "megabytes": 9.0}}
    result = {
        "rows": [{**row, "warm": {"seconds": 0.25, "megabytes": 12.4}}],
        "config": {"images": 3, "data": "digits", "rounds": 1},
        "device": DEVICE,
    }
    (table,) = startup_report.tables(result)
    assert table.rows == (("`recjax --help`", "0.50", "0.25", "12"),)
    startup_report.plot(result, tmp_path / "plot.png")
    assert (tmp_path / "plot.png").stat().st_size > 10_000


def test_settings_that_cannot_be_used_are_explained():
    with pytest.raises(ValueError, match="images and rounds must be at least 1"):
        startup.Config("bench_startup", rounds=0)
    with pytest.raises(ValueError, match="there is no data set 'faces'"):
        startup.Config("bench_startup", data="faces")
