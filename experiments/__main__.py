"""`python -m experiments CONFIG.toml [--smoke] [--train] [section.key=value ...]`: runs an experiment, keeps results.

Run:     python -m experiments configs/quickstart.toml
Small:   python -m experiments configs/quickstart.toml --smoke
Change:  python -m experiments configs/quickstart.toml train.epochs=100 'seeds=[0, 1]' methods.3.candidates=1024
Train:   python -m experiments configs/mnist_bb_ans.toml --train     (the models too, which else are the released ones)
Publish: python -m experiments configs/quickstart.toml --record     (writes experiments/results, renders the documents)
"""

import argparse
import dataclasses
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import rich.console

from experiments import config, registry, report
from experiments.provenance import provenance, write_json
from experiments.reporting import tables
from training.command import guarded, output_folder

# Characters, wide enough for a table of nine columns where there is no terminal whose width could be used.
WIDTH_WITHOUT_TERMINAL = 150

# The key of configs that --train sets.
FROM_SCRATCH = "from_scratch"


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the experiment that the command line names.

    Args:
        arguments: The command line without the program's name; None takes that of the process.

    Returns:
        The exit code: 0, or 1 after one sentence on stderr if the config or the data cannot be used.
    """
    options = _parser().parse_intermixed_args(arguments)
    console = rich.console.Console()
    if not console.is_terminal:
        console = rich.console.Console(width=WIDTH_WITHOUT_TERMINAL)

    def action() -> None:
        settings = [*options.settings, *([f"{FROM_SCRATCH}=true"] if options.train else [])]
        folder = run(options.config, settings, console, smoke=options.smoke, out=options.out)
        if options.record:
            report.publish(folder)
            console.print("recorded in experiments/results.")

    return guarded("experiments", action, debug=options.debug)


def run(
    path: str | Path,
    overrides: Sequence[str],
    console: rich.console.Console,
    *,
    smoke: bool = False,
    out: Path | None = None,
) -> Path:
    """Runs the experiment of a config file and writes its result, tables, plot and coded files to a folder.

    Args:
        path: The config, a TOML file.
        overrides: Settings `section.key=value` that replace those of the file.
        console: Where progress and tables are printed.
        smoke: Whether to apply the config's `[smoke]` table, which makes the run small.
        out: The output folder; None means runs/NAME, or runs/NAME-smoke, after the file's name.

    Returns:
        The output folder.

    Raises:
        ConfigError: The config cannot be used, or `from_scratch=true` is set for an experiment without released models.
    """
    start = time.perf_counter()
    table = config.resolve(config.read(path), smoke=smoke, overrides=overrides)
    name = registry.name_of(table)
    experiment = registry.runner(name)
    if f"{FROM_SCRATCH}=true" in overrides and FROM_SCRATCH not in experiment.Config.__dataclass_fields__:
        raise config.ConfigError(f"--train is for experiments with released models, and {name} has none; leave it out.")
    settings = config.build(experiment.Config, table)
    folder = output_folder(out or Path("runs") / (Path(path).stem + ("-smoke" if smoke else "")))
    result = {
        "experiment": name,
        "config": dataclasses.asdict(settings),
        "config_digest": config.digest(settings),
        "smoke": smoke,
    } | provenance()
    result |= experiment.run(settings, folder, console)
    result["seconds"]["total"] = time.perf_counter() - start
    write_json(folder / report.RESULT, result)
    report.render(result, folder)
    for shown in registry.reporter(name).tables(result):
        console.print(tables.terminal(shown))
    names = ", ".join(sorted(path.name for path in folder.iterdir()))
    console.print(f"{result['seconds']['total']:.0f} s in all; {folder} holds {names}.")
    return folder


def _parser() -> argparse.ArgumentParser:
    summary, _, examples = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m experiments",
        description=summary.partition(": ")[2].capitalize(),
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", help="a TOML file, such as configs/quickstart.toml")
    parser.add_argument(
        "settings", nargs="*", metavar="section.key=value", help="settings that replace those of the file"
    )
    parser.add_argument("--smoke", action="store_true", help="the config's small version: seconds instead of minutes")
    parser.add_argument("--train", action="store_true", help="train the models instead of taking the released ones")
    parser.add_argument("--out", type=Path, help="folder of the results (default: runs/NAME)")
    parser.add_argument("--record", action="store_true", help="also record it in experiments/results")
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


if __name__ == "__main__":
    sys.exit(main())
