"""Renders results (JSON) as Markdown, CSV, LaTeX and plots, and the README's tables from the recorded results.

Show:    python -m experiments.report runs/quickstart/result.json --format latex
README:  python -m experiments.report --readme       (with --check: change nothing, exit code 1 if it is out of date)
"""

import argparse
import importlib.util
import json
import re
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import registry
from experiments.reporting import tables
from training.command import guarded, parser_of

HERE = Path(__file__).resolve().parent
README = HERE.parent / "README.md"
RESULT = "result.json"
PLOT = "plot.png"
FORMATS = {"markdown": tables.markdown, "csv": tables.comma_separated, "latex": tables.latex}
ENDINGS = {"markdown": ".md", "csv": ".csv", "latex": ".tex"}
BLOCK = re.compile(r"(<!-- generated: ([\w-]+)(?:/([\w-]+))? -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def load(path: Path) -> dict[str, Any]:
    """Reads a result as an experiment wrote it.

    Args:
        path: A result.json.

    Returns:
        The result.

    Raises:
        ValueError: The file is not a result of an experiment.
    """
    result = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(result, dict) or "experiment" not in result:
        raise ValueError(f"{path} must be a result of `python -m experiments`, and is not; give its result.json.")
    return result


def render(result: dict[str, Any], folder: Path) -> list[str]:
    """Writes a result's tables in every format, and its plot if matplotlib is installed.

    Args:
        result: The result.
        folder: The output folder, which must exist.

    Returns:
        The names of the files written.
    """
    reporter = registry.reporter(registry.name_of(result))
    written = []
    for table in reporter.tables(result):
        for form, write in FORMATS.items():
            written.append(f"{table.name}{ENDINGS[form]}")
            (folder / written[-1]).write_text(write(table), encoding="utf-8")
    if importlib.util.find_spec("matplotlib"):
        reporter.plot(result, folder / PLOT)
        written.append(PLOT)
    return written


def publish(folder: Path, results: Path = HERE / "results", readme: Path = README) -> None:
    """Copies a run's result and plot to the recorded results and renders the README from them.

    Args:
        folder: The output folder of the run.
        results: The folder of recorded results.
        readme: The README.

    Raises:
        ValueError: The run is a smoke run or has no plot.
    """
    result = load(folder / RESULT)
    if result["smoke"]:
        raise ValueError("a smoke run is too small to be recorded; run the config without --smoke.")
    if not (folder / PLOT).exists():
        raise ValueError(
            'there is no plot to record; install matplotlib with `pip install -e ".[plot]"` and run again.'
        )
    results.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / RESULT, results / f"{result['experiment']}.json")
    shutil.copyfile(folder / PLOT, results / f"{result['experiment']}.png")
    readme.write_text(rendered_readme(readme.read_text(encoding="utf-8"), results), encoding="utf-8")


def rendered_readme(text: str, results: Path = HERE / "results") -> str:
    """Fills the generated blocks of a README from recorded results.

    A block `<!-- generated: NAME -->` takes all tables of results/NAME.json, `<!-- generated: NAME/TABLE -->` only one.
    Blocks whose result does not exist stay as they are.

    Args:
        text: The README.
        results: The folder of recorded results.

    Returns:
        The text with its blocks filled.
    """

    def fill(found: re.Match[str]) -> str:
        source = results / f"{found[2]}.json"
        if not source.exists():
            return found[0]
        return found[1] + _rendered(load(source), "markdown", found[3]) + found[4]

    return BLOCK.sub(fill, text)


def _rendered(result: dict[str, Any], form: str, name: str | None = None) -> str:
    """Renders all tables of a result in one of FORMATS, or only the one named `name`; ValueError if there is none."""
    shown = [
        table
        for table in registry.reporter(registry.name_of(result)).tables(result)
        if name is None or table.name == name
    ]
    if not shown:
        raise ValueError(f"the README asks for a table {name!r} that {result['experiment']} has not; correct its name.")
    return "\n".join(map(FORMATS[form], shown))


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a result's tables, or renders or checks the README.

    Args:
        arguments: The command line without the program's name; None takes that of the process.

    Returns:
        The exit code: 0, or 1 after one sentence on stderr.
    """
    parser = parser_of("experiments.report", __doc__)
    parser.add_argument("result", nargs="?", type=Path, help="a result.json")
    parser.add_argument("--format", choices=FORMATS, default="markdown")
    parser.add_argument("--readme", action="store_true", help="render the README from the recorded results")
    parser.add_argument(
        "--check", action="store_true", help="with --readme: change nothing, exit with 1 if it is out of date"
    )
    options = parser.parse_args(arguments)
    if options.result is None and not options.readme:
        parser.error("give the path of a result.json, or --readme.")
    return guarded("experiments.report", lambda: _act(options), debug=options.debug)


def _act(options: argparse.Namespace) -> None:
    if not options.readme:
        print(_rendered(load(options.result), options.format))
        return
    before = README.read_text(encoding="utf-8")
    after = rendered_readme(before)
    if before == after:
        return
    if options.check:
        raise ValueError(f"{README.name} must hold the recorded results, and does not; run this without --check.")
    README.write_text(after, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
