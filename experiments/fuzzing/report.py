"""Renders the result of fuzzing, read from its JSON, as a table and a plot."""

import textwrap
from pathlib import Path
from typing import Any

from experiments.reporting import figures
from experiments.reporting.tables import Table, number

_REASONS = 15

KINDS = {
    "plain": "mutated, checksums not updated",
    "sealed": "mutated, checksums updated",
    "guided": "mutated by coverage-guided search",
}


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders the counts by kind of damage and outcome, with the largest times and memory in the notes.

    Args:
        result: The recorded result of `experiments.fuzzing.run`.

    Returns:
        One table.
    """
    outcomes = {**result["outcomes"], **(result["guided"] or {"outcomes": {}})["outcomes"]}
    rows = []
    for kind, label in KINDS.items():
        refused, decoded = (outcomes.get(f"{kind}, {end}", 0) for end in ("refused", "decoded"))
        if refused + decoded:
            rows.append((label, f"{refused + decoded:,}", f"{refused:,}", f"{decoded:,}"))
    sizes = result["corpus"].values()
    device = result["device"]
    notes = (
        f"From {len(sizes)} files of {min(sizes)} to {max(sizes)} bytes ({', '.join(result['corpus'])}), by "
        "flipped bits, truncation, splicing, and runs of zeros and ones. Refused: with an error of one sentence. "
        "Decoded: to as many images, of the shape, as the header declares; where checksums were not updated, these "
        "are files that the mutation left unchanged.",
        *(_most(name, part) for name, part in (("mutated", result), ("coverage-guided", result["guided"])) if part),
        "No file caused a crash, a hang or another error.",
        f"{result['seconds']['all'] / 60:.0f} minutes on {device['cpu_cores']} CPU cores ({device['machine']}).",
    )
    return [
        Table("Damaged and hostile files", ("files", "files tried", "refused", "decoded"), tuple(rows), notes, "fuzz")
    ]


def _most(name: str, part: dict[str, Any]) -> str:
    warm, compiled = ((part["file_seconds"][state], part["megabytes"][state]) for state in ("warm", "compiled"))
    return (
        f"Maximum over single {name} files: {warm[0]:.2f} s and {number(warm[1], 0)} MB of memory; with compilation "
        f"for a shape of images that no earlier file had, {compiled[0]:.1f} s and {number(compiled[1], 0)} MB "
        f"({part['compilations']:,} compilations). Peak memory of the process: {number(part['peak_megabytes'], 0)} "
        "MB, mostly compiled code."
    )


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots how often each sentence refused a file, beside the number of files that were decoded.

    Args:
        result: The recorded result of `experiments.fuzzing.run`.
        path: File of the plot.
    """
    decoded = sum(count for outcome, count in result["outcomes"].items() if outcome.endswith("decoded"))
    reasons = list(result["reasons"].items())
    shown = [*reasons[:_REASONS], ("all other errors", sum(count for _, count in reasons[_REASONS:]))]
    bars = [("decoded as the header declares", decoded), *((textwrap.shorten(k, 62), n) for k, n in shown if n)]
    total = sum(count for _, count in bars)
    title = f"{total:,} mutated files: decoded, or refused with which error"
    figure, panels = figures.figure(1, 1, (figures.WIDTH, 1.0 + 0.29 * len(bars)), title)
    panel = panels[0, 0]
    colours = [figures.BLUE, *[figures.OTHERS] * (len(bars) - 1)]
    drawn = panel.barh([str(place) for place in range(len(bars))], [count for _, count in bars], color=colours)
    panel.bar_label(drawn, [f"{count:,}" for _, count in bars], padding=3, fontsize=9)
    panel.set_yticks(range(len(bars)), [label for label, _ in bars], fontsize=9)
    panel.invert_yaxis()
    panel.margins(x=0.12)
    panel.set_xlabel("files (blue: decoded; grey: refused; # stands for a number of the error)")
    figures.save(figure, path)
