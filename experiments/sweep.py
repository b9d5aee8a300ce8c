r"""Runs a config at every combination of settings, as Slurm jobs or as processes on this machine.

    python -m experiments.sweep configs/quickstart.toml "seeds=[0]|[1]|[2]" --out runs/seeds --here
    python -m experiments.sweep configs/mnist_partition.toml "rows.0.candidates=[4096]|[65536]" --out runs/sweep \
        --partition gpu --gpus 1 --hours 2

Each combination has its own folder with result.json, tables and plot, and is not run again once it is done. Jobs are
submitted by submitit (`pip install -e ".[slurm]"`), whose logs are in OUT/jobs.
"""

import argparse
import dataclasses
import importlib.util
import itertools
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import rich.console

from experiments import config, registry, report
from experiments.__main__ import run
from recjax.errors import UsageError
from training.command import guarded, parser_of

_POLL_SECONDS = 0.2


@dataclasses.dataclass(frozen=True)
class Job:
    """Holds one combination of a sweep; calling it runs the experiment.

    Attributes:
        path: The config file.
        settings: Settings `section.key=value` that replace those of the file.
        folder: The output folder.
        digest: The digest of the config with these settings.
    """

    path: str
    settings: tuple[str, ...]
    folder: str
    digest: str

    @property
    def done(self) -> bool:
        """Tells whether the folder holds a result of these settings; ValueError if it holds one of other settings."""
        result = Path(self.folder) / report.RESULT
        if not result.is_file():
            return False
        if report.load(result).get("config_digest") != self.digest:
            raise ValueError(f"{result} is of other settings; name another folder with --out, or remove it.")
        return True

    def __call__(self) -> str:
        """Runs the experiment and returns its output folder."""
        run(self.path, self.settings, rich.console.Console(width=120), out=Path(self.folder))
        return self.folder


def jobs(path: str, settings: Sequence[str], out: Path) -> list[Job]:
    """Makes a job for every combination of settings, and checks each as the config's own settings are checked.

    Args:
        path: The config file.
        settings: Texts KEY=VALUE|VALUE|..., a choice of values each.
        out: The folder in which every job gets a numbered folder of its own.

    Returns:
        The jobs, in the order of `itertools.product`.

    Raises:
        ConfigError: A setting cannot be read or used.
    """
    choices = []
    for setting in settings:
        key, equals, values = setting.partition("=")
        if not equals or not key:
            raise config.ConfigError(f"a setting is KEY=VALUE|VALUE|..., got {setting!r}; correct it.")
        choices.append([f"{key}={value}" for value in values.split("|")])
    found = []
    for number, combination in enumerate(itertools.product(*choices)):
        table = config.resolve(config.read(path), overrides=combination)
        built = config.build(registry.runner(registry.name_of(table)).Config, table)
        found.append(Job(path, combination, str(out / f"{number:03}"), config.digest(built)))
    return found


def executor(out: Path, *, here: bool, parameters: dict[str, Any]) -> Any:
    """Makes a submitit executor, which submits jobs.

    Args:
        out: The folder of the sweep; logs go to its subfolder `jobs`.
        here: Whether jobs are processes on this machine; otherwise they are Slurm jobs.
        parameters: Resources of a job, as submitit names them.

    Returns:
        A `submitit.AutoExecutor`.

    Raises:
        UsageError: submitit is not installed.
    """
    if importlib.util.find_spec("submitit") is None:
        raise UsageError('submitit is not installed; `pip install -e ".[slurm]"` brings it.')
    import submitit  # pyright: ignore[reportMissingImports]

    found = submitit.AutoExecutor(folder=out / "jobs", cluster="local" if here else "slurm")
    found.update_parameters(**parameters)
    return found


def run_here(submits: Any, waiting: list[Job], at_once: int) -> list[Job]:
    """Runs jobs as processes on this machine, several at a time, and waits for all of them.

    Args:
        submits: The executor.
        waiting: The jobs.
        at_once: The number of jobs that may run at the same time.

    Returns:
        The jobs that failed.
    """
    left, running, failed = list(waiting), [], []
    while left or running:
        while left and len(running) < at_once:
            running.append((left[0], submits.submit(left.pop(0))))
        for job, process in [one for one in running if one[1].done()]:
            running.remove((job, process))
            if process.exception() is not None:
                failed.append(job)
            print(f"{job.folder}: {'failed' if job in failed else 'done'}", flush=True)
        time.sleep(_POLL_SECONDS)
    return failed


def main(arguments: Sequence[str] | None = None) -> int:
    """Submits a sweep, or runs it on this machine.

    Args:
        arguments: The command line without the program's name; None takes that of the process.

    Returns:
        The exit code: 0, or 1 after one sentence on stderr.
    """
    parser = parser_of("experiments.sweep", __doc__)
    parser.add_argument("config", help="a TOML file, such as configs/quickstart.toml")
    parser.add_argument(
        "settings", nargs="*", metavar="section.key=A|B", help="values that take the file's place, in turn"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the results, one for each combination")
    parser.add_argument("--here", action="store_true", help="run on this machine, and wait, instead of asking Slurm")
    parser.add_argument(
        "--at-once", type=int, default=1, metavar="N", help="with --here: so many at a time (default 1)"
    )
    parser.add_argument("--dry-run", action="store_true", help="print the combinations and run nothing")
    parser.add_argument("--partition", help="Slurm's partition")
    parser.add_argument("--gpus", type=int, default=0, help="accelerators of a job")
    parser.add_argument("--cpus", type=int, default=2, help="CPU cores of a job")
    parser.add_argument("--memory-gb", type=float, default=8.0, help="memory of a job")
    parser.add_argument("--hours", type=float, default=1.0, help="time of a job at the most")
    options = parser.parse_intermixed_args(arguments)
    return guarded("experiments.sweep", lambda: _act(options), debug=options.debug)


def _act(options: argparse.Namespace) -> None:
    every = jobs(options.config, options.settings, options.out)
    waiting = [job for job in every if not job.done]
    for job in every:
        print(f"{job.folder}: {' '.join(job.settings) or 'as it is'}{' (done)' if job.done else ''}")
    if options.dry_run or not waiting:
        return
    if options.at_once < 1:
        raise UsageError(f"--at-once must be at least 1, got {options.at_once}; correct it.")
    parameters: dict[str, Any] = {
        "name": Path(options.config).stem,
        "timeout_min": max(round(60 * options.hours), 1),
        "cpus_per_task": options.cpus,
        "mem_gb": options.memory_gb,
        "gpus_per_node": options.gpus,
    }
    if options.partition and not options.here:
        parameters["slurm_partition"] = options.partition
    options.out.mkdir(parents=True, exist_ok=True)
    submits = executor(options.out, here=options.here, parameters=parameters)
    if not options.here:
        with submits.batch():
            submitted = [submits.submit(job) for job in waiting]
        print(f"{len(submitted)} jobs: {', '.join(job.job_id for job in submitted)}; logs in {options.out / 'jobs'}.")
        return
    failed = run_here(submits, waiting, options.at_once)
    if failed:
        raise ValueError(f"{len(failed)} of {len(waiting)} jobs failed, first {failed[0].folder}; read their logs.")
    print(f"{len(waiting)} done; python -m experiments.report FOLDER/result.json prints a table.")


if __name__ == "__main__":
    sys.exit(main())
