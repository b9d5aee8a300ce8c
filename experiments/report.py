"""Renders results (JSON) as Markdown, CSV, LaTeX and plots, and the documents that show recorded ones.

Show:       python -m experiments.report runs/quickstart/result.json --format latex
Documents:  python -m experiments.report --documents      (with --check: change nothing, exit code 1 if one is stale)

Documents are a page for each recorded result, experiments/results/NAME.md, and the generated blocks of the READMEs.
"""

import argparse
import importlib.util
import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from experiments import registry
from experiments.reporting import documents, tables
from training.command import guarded, parser_of

HERE = Path(__file__).resolve().parent
RESULT = "result.json"
PLOT = "plot.png"
FORMATS = {"markdown": tables.markdown, "csv": tables.comma_separated, "latex": tables.latex}
ENDINGS = {"markdown": ".md", "csv": ".csv", "latex": ".tex"}


def load(path: Path) -> dict[str, Any]:
    """Reads a result.

    Args:
        path: The path of a result.json.

    Returns:
        The result as it was written.

    Raises:
        ValueError: The file is no result.
    """
    result = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(result, dict) or "experiment" not in result:
        raise ValueError(f"{path} must be a result of `python -m experiments`, and is not; give its result.json.")
    return result


def render(result: dict[str, Any], folder: Path) -> list[str]:
    """Writes a result's tables in every format, and its plot if matplotlib is installed.

    Args:
        result: The result.
        folder: The folder to write to.

    Returns:
        The names of the files.
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


def publish(folder: Path, root: Path = documents.ROOT) -> None:
    """Records a run: copies its result and plot, and renders all documents.

    Args:
        folder: The folder of the run.
        root: The root of the repository.

    Raises:
        ValueError: It is a smoke run, or has no plot.
    """
    result = load(folder / RESULT)
    if result["smoke"]:
        raise ValueError("a smoke run is too small to be recorded; run the config without --smoke.")
    if not (folder / PLOT).exists():
        raise ValueError(
            'there is no plot to record; install matplotlib with `pip install -e ".[plot]"` and run again.'
        )
    results = root / documents.RESULTS
    results.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(folder / RESULT, results / f"{result['experiment']}.json")
    shutil.copyfile(folder / PLOT, results / f"{result['experiment']}.png")
    write_documents(root)


def write_documents(root: Path = documents.ROOT) -> list[Path]:
    """Renders the documents that are out of date.

    Args:
        root: The root of the repository.

    Returns:
        The paths of those that were written.
    """
    changed = documents.outdated(root)
    for path, text in changed.items():
        path.write_text(text, encoding="utf-8")
    return list(changed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a result's tables, or renders (or checks) the documents.

    Args:
        arguments: The arguments of the command line; None for those of the process.

    Returns:
        The exit code: 0, or 1 with a sentence on stderr. Wrong usage exits with 2.
    """
    parser = parser_of("experiments.report", __doc__)
    parser.add_argument("result", nargs="?", type=Path, help="a result.json")
    parser.add_argument("--format", choices=FORMATS, default="markdown")
    parser.add_argument("--documents", action="store_true", help="render the pages of results and the READMEs")
    parser.add_argument(
        "--check", action="store_true", help="with --documents: change nothing, exit with 1 if one is out of date"
    )
    options = parser.parse_args(arguments)
    if options.result is None and not options.documents:
        parser.error("give the path of a result.json, or --documents.")
    return guarded("experiments.report", lambda: _act(options), debug=options.debug)


def _act(options: argparse.Namespace) -> None:
    if not options.documents:
        result = load(options.result)
        shown = registry.reporter(registry.name_of(result)).tables(result)
        print("\n".join(map(FORMATS[options.format], shown)))
    elif not options.check:
        write_documents()
    elif changed := documents.outdated():
        names = ", ".join(str(path.relative_to(documents.ROOT)) for path in changed)
        raise ValueError(f"{names} must show what is recorded, and does not; run this without --check.")


if __name__ == "__main__":
    sys.exit(main())
