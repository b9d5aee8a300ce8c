"""Results (JSON) -> Markdown, CSV, LaTeX and plots; and the README's tables, which are rendered and never typed.

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

from experiments import registry, tables

HERE = Path(__file__).resolve().parent
RESULT = "result.json"
PLOT = "plot.png"
FORMATS = {"markdown": tables.markdown, "csv": tables.comma_separated, "latex": tables.latex}
ENDINGS = {"markdown": ".md", "csv": ".csv", "latex": ".tex"}
BLOCK = re.compile(r"(<!-- generated: (\S+) -->\n).*?(<!-- end of generated -->)", re.DOTALL)


def load(path: Path) -> dict[str, Any]:
    """A result as it was written."""
    return json.loads(path.read_text(encoding="utf-8"))


def render(result: dict[str, Any], folder: Path) -> list[str]:
    """Write a result's tables in every format, and its plot if matplotlib is there; returns the names of the files."""
    reporter = registry.reporter(result["experiment"])
    shown = reporter.tables(result)
    written = []
    for form, write in FORMATS.items():
        name = f"table{ENDINGS[form]}"
        (folder / name).write_text("\n".join(map(write, shown)), encoding="utf-8")
        written.append(name)
    if importlib.util.find_spec("matplotlib"):
        reporter.plot(result, folder / PLOT)
        written.append(PLOT)
    return written


def publish(folder: Path, results: Path = HERE / "results", readme: Path = HERE.parent / "README.md") -> None:
    """Copy a run's result and plot to the recorded ones and render the README from them."""
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
    """The text with each block `<!-- generated: NAME -->` filled from results/NAME.json, where that exists."""

    def fill(found: re.Match[str]) -> str:
        source = results / f"{found[2]}.json"
        if not source.exists():
            return found[0]
        result = load(source)
        shown = registry.reporter(result["experiment"]).tables(result)
        return found[1] + "\n".join(map(tables.markdown, shown)) + found[3]

    return BLOCK.sub(fill, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a result's tables, or render (or check) the README."""
    summary, _, examples = (__doc__ or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog="python -m experiments.report",
        description=summary,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("result", nargs="?", type=Path, help="a result.json")
    parser.add_argument("--format", choices=FORMATS, default="markdown")
    parser.add_argument("--readme", action="store_true", help="render the README from the recorded results")
    parser.add_argument(
        "--check", action="store_true", help="with --readme: change nothing, exit with 1 if it is out of date"
    )
    options = parser.parse_args(arguments)
    if options.readme:
        readme = HERE.parent / "README.md"
        before = readme.read_text(encoding="utf-8")
        after = rendered_readme(before)
        if options.check:
            return int(before != after)
        readme.write_text(after, encoding="utf-8")
        return 0
    if options.result is None:
        parser.error("give the path of a result.json, or --readme.")
    result = load(options.result)
    print("\n".join(map(FORMATS[options.format], registry.reporter(result["experiment"]).tables(result))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
