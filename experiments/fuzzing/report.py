"""Renders the result of fuzzing, read from its JSON, as a table and a plot."""

import textwrap
from pathlib import Path
from typing import Any

from experiments.reporting.plots import PART_COLOURS, PLAIN_COLOUR
from experiments.reporting.tables import Table, number

_REASONS = 15

KINDS = {
    "plain": "mutated, checksums as they were",
    "sealed": "mutated, checksums made right",
    "guided": "guided by the branches that they reach",
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
        f"From {len(sizes)} files of {min(sizes)} to {max(sizes)} bytes ({', '.join(result['corpus'])}): bits flipped, "
        "cut off, spliced, runs of zeros and ones. Decoded: to as many images of the shape as the header declares; "
        "with checksums as they were that is only a file which the damage left as it was.",
        *(_most(name, part) for name, part in (("mutated", result), ("guided", result["guided"])) if part),
        "No crash, no hang, no other error.",
        f"{result['seconds']['all'] / 60:.0f} minutes on {device['cpu_cores']} CPU cores ({device['machine']}).",
    )
    return [Table("Hostile files", ("files", "tried", "refused", "decoded"), tuple(rows), notes, "fuzz")]


def _most(name: str, part: dict[str, Any]) -> str:
    warm, compiled = ((part["file_seconds"][state], part["megabytes"][state]) for state in ("warm", "compiled"))
    return (
        f"The most that one {name} file took: {warm[0]:.2f} s and {number(warm[1], 0)} MB of memory; where XLA "
        f"compiled for images of a shape that no file had before, {compiled[0]:.1f} s and {number(compiled[1], 0)} MB "
        f"({part['compilations']:,} compilations). The process had {number(part['peak_megabytes'], 0)} MB at its "
        "highest, mostly of compiled code."
    )


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots how often each sentence refused a file, beside the number of files that were decoded.

    Args:
        result: The recorded result of `experiments.fuzzing.run`.
        path: File of the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    decoded = sum(count for outcome, count in result["outcomes"].items() if outcome.endswith("decoded"))
    reasons = list(result["reasons"].items())
    shown = [*reasons[:_REASONS], ("all other sentences", sum(count for _, count in reasons[_REASONS:]))]
    bars = [("decoded, to what its header declares", decoded), *((textwrap.shorten(k, 70), n) for k, n in shown if n)]
    figure = Figure(figsize=(9, 0.4 + 0.28 * len(bars)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    colours = [PART_COLOURS[0], *[PLAIN_COLOUR] * (len(bars) - 1)]
    drawn = axes.barh([str(place) for place in range(len(bars))], [count for _, count in bars], color=colours)
    axes.bar_label(drawn, [f"{count:,}" for _, count in bars], padding=3, fontsize=8)
    axes.set_yticks(range(len(bars)), [label for label, _ in bars], fontsize=8)
    axes.invert_yaxis()
    axes.set_xticks([])
    axes.set_title("What became of mutated files", fontsize=10)
    axes.spines[["top", "right", "bottom"]].set_visible(False)
    figure.savefig(path, dpi=150)
