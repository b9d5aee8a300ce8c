"""What decoders did with mutated files: a table and a plot, from the JSON alone."""

from pathlib import Path
from typing import Any

from experiments.plots import PART_COLOURS, PLAIN_COLOUR
from experiments.tables import Table, number

KINDS = {"plain": "checksums as they were", "sealed": "checksums made right"}


def tables(result: dict[str, Any]) -> list[Table]:
    """Counts of outcomes."""
    rows = []
    for kind, label in KINDS.items():
        counts = [result["outcomes"].get(f"{kind}, {outcome}", 0) for outcome in ("refused", "decoded")]
        rows.append((label, *(f"{count:,}" for count in (sum(counts), *counts))))
    sizes = result["corpus"].values()
    device = result["device"]
    notes = (
        f"From {len(sizes)} files of {min(sizes)} to {max(sizes)} bytes ({', '.join(result['corpus'])}): bits flipped, "
        "cut off, spliced, runs of zeros and ones. Decoded: to as many images of the shape as the header declares; "
        "with checksums as they were that is only a file which the damage left as it was.",
        f"The most that one file took: {result['seconds_of_a_file']['warm']:.2f} s and "
        f"{number(result['megabytes']['warm'], 0)} MB of memory; where XLA compiled for a shape of images that no file "
        f"had before, {result['seconds_of_a_file']['compiled']:.1f} s and {number(result['megabytes']['compiled'], 0)} "
        f"MB ({result['compilations']:,} compilations). The process had {number(result['peak_megabytes'], 0)} MB at "
        "its highest, mostly of compiled code. No crash, no hang, no other error.",
        f"{result['seconds']['all'] / 60:.0f} minutes on {device['cpu_cores']} CPU cores ({device['machine']}).",
    )
    return [Table("Mutated files", ("files with", "tried", "refused", "decoded"), tuple(rows), notes, "fuzz")]


def plot(result: dict[str, Any], path: Path) -> None:
    """Shares of outcomes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.5, 2.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    left = [0] * len(KINDS)
    for outcome, colour in (("refused", PLAIN_COLOUR), ("decoded", PART_COLOURS[0])):
        counts = [result["outcomes"].get(f"{kind}, {outcome}", 0) for kind in KINDS]
        axes.barh(list(KINDS.values()), counts, left=left, color=colour, label=outcome)
        left = [a + b for a, b in zip(left, counts, strict=True)]
    axes.invert_yaxis()
    axes.set_xlabel("mutated files")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)
