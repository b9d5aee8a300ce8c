"""Sweeps: every combination has a folder of its own, and what is done is not run again."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from experiments import sweep
from experiments.benchmarks.costs import run as costs
from experiments.config import ConfigError
from recjax.errors import UsageError

CONFIG = Path(__file__).resolve().parents[2] / "configs" / "bench_costs.toml"


def test_combinations_are_all_there(tmp_path):
    found = sweep.jobs(str(CONFIG), ["rounds=1|2", "images=[1, 2]|[1, 3]"], tmp_path)
    assert [job.settings for job in found] == [
        ("rounds=1", "images=[1, 2]"),
        ("rounds=1", "images=[1, 3]"),
        ("rounds=2", "images=[1, 2]"),
        ("rounds=2", "images=[1, 3]"),
    ]
    assert len({job.folder for job in found}) == 4


@pytest.mark.parametrize("setting", ["rounds", "=3", "rounds=0", "rounds=one", "turns=3"])
def test_settings_that_cannot_be_used_are_explained(setting, tmp_path):
    with pytest.raises(ConfigError):
        sweep.jobs(str(CONFIG), [setting], tmp_path)


def test_what_is_done_is_left_out(tmp_path, monkeypatch, capsys):
    second = sweep.jobs(str(CONFIG), ["rounds=1|2|3"], tmp_path)[1]
    (tmp_path / "001").mkdir()
    (tmp_path / "001" / "result.json").write_text(json.dumps({"experiment": "x", "config_digest": second.digest}))
    taken, asked = [], {}

    class Executor:
        def submit(self, job):
            taken.append(job.folder)
            return Finished(None)

    def executor(out, **rest):
        asked.update(rest["parameters"])
        return Executor()

    monkeypatch.setattr(sweep, "executor", executor)
    command = [str(CONFIG), "rounds=1|2|3", "--out", str(tmp_path), "--here", "--hours", "0.5", "--gpus", "1"]
    assert sweep.main([*command, "--dry-run"]) == 0 and not taken
    assert sweep.main(command) == 0
    assert [Path(folder).name for folder in taken] == ["000", "002"]
    assert asked["timeout_min"] == 30 and asked["gpus_per_node"] == 1
    assert "001: rounds=2 (done)" in capsys.readouterr().out
    assert sweep.main([str(CONFIG), "rounds=5|6", *command[2:]]) == 1
    assert "is of other settings" in capsys.readouterr().err


class Finished(NamedTuple):
    """A process as submitit's jobs are."""

    error: Exception | None

    def done(self) -> bool:
        return True

    def exception(self) -> Exception | None:
        return self.error


def test_failures_are_told(tmp_path, monkeypatch, capsys):
    class Executor:
        def submit(self, job):
            return Finished(RuntimeError("no"))

    monkeypatch.setattr(sweep, "executor", lambda out, **rest: Executor())
    assert sweep.main([str(CONFIG), "rounds=1|2", "--out", str(tmp_path), "--here"]) == 1
    assert "2 of 2 jobs failed" in capsys.readouterr().err
    assert sweep.main([str(CONFIG), "rounds=1", "--out", str(tmp_path), "--here", "--at-once", "0"]) == 1
    assert "--at-once must be at least 1" in capsys.readouterr().err


@pytest.mark.parametrize("at_once", [1, 2, 7])
def test_so_many_run_at_once(tmp_path, at_once, monkeypatch):
    every = sweep.jobs(str(CONFIG), ["rounds=1|2|3|4|5"], tmp_path)
    running, most = set(), []

    class Process(NamedTuple):
        job: sweep.Job

        def done(self) -> bool:
            # The first one takes longest.
            return self.job is not every[0] or len(most) == 5 or at_once == 1

        def exception(self) -> Exception | None:
            running.remove(self.job)
            return RuntimeError("no") if self.job is every[3] else None

    class Executor:
        def submit(self, job):
            running.add(job)
            most.append(len(running))
            return Process(job)

    monkeypatch.setattr(sweep, "_POLL_SECONDS", 0.0)
    assert sweep.run_here(Executor(), every, at_once) == [every[3]]
    assert max(most) == min(at_once, 5) and not running


def test_without_submitit_it_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sweep.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match="submitit is not installed"):
        sweep.executor(tmp_path, here=True, parameters={})


def test_a_job_writes_a_result(tmp_path, monkeypatch):
    ran = []

    def run(settings, folder, console):
        ran.append(settings.divergences)
        curves = [
            {"of": of, "name": name, "points": [[1, 0.001], [10, 0.01]], "exponent": 1.0}
            for of, name in (("divergence", "PFR, plain"), ("batch", "partitioned ORC"), ("images", "orc"))
        ]
        return {"curves": curves, "seconds": {"all": 0.1}}

    monkeypatch.setattr(costs, "run", run)
    (job,) = sweep.jobs(str(CONFIG), ["divergences=[1, 2]"], tmp_path)
    assert not job.done
    assert job() == str(tmp_path / "000") and job.done
    assert ran == [(1, 2)] and len(json.loads((tmp_path / "000" / "result.json").read_text())["curves"]) == 3
