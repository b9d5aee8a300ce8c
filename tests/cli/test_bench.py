"""The quick measurement of a machine: what it times is real work. No figure of time is tested."""

import json

import pytest

from recjax.cli import bench
from recjax.cli import main as cli
from recjax.cli.bench import Timed


def test_rates_are_of_repeats_after_the_first_call():
    calls = []
    found = bench.measure(Timed("counting", lambda: calls.append(1), 5.0, "things/s"), seconds=1e-9)
    assert len(calls) == 4 and found.rate > 0 and found.first_seconds >= 0 and found.unit == "things/s"


@pytest.mark.parametrize("seconds", ["0", "-1", "inf"])
def test_no_time_is_no_measurement(seconds, capsys):
    assert cli.main(["bench", "--seconds", seconds]) == cli.USAGE
    assert "seconds must be above 0" in capsys.readouterr().err


def test_the_command_prints_json(capsys):
    assert cli.main(["bench", "--seconds", "0.001", "--json"]) == cli.FINE
    found = json.loads(capsys.readouterr().out)
    assert found["machine"]["recjax"] and len(found["rates"]) == len(bench.cases())
    assert all(one["rate"] > 0 for one in found["rates"])
