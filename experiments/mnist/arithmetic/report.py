"""What exactness costs: a table and a plot, from the JSON alone."""

import statistics
from pathlib import Path
from typing import Any

from experiments.reporting.plots import PART_COLOURS, PLAIN_COLOUR
from experiments.reporting.tables import ABSENT, Table, machine, rounded

WAYS = {"encode": "encoding", "decode": "decoding"}


def loss(row: dict[str, Any]) -> float:
    """Bytes of the exact file over those of the one in floats, as a share."""
    return row["file_bytes"]["exact"] / row["file_bytes"]["float"] - 1


def tables(result: dict[str, Any]) -> list[Table]:
    """A row for each model and method."""
    rows = []
    for row in result["rows"]:
        speeds = (f"{rounded(row['images_per_second'][name][way])}" for way in WAYS for name in ("exact", "float"))
        times = (_times(row["exact_takes_times"][way]) for way in WAYS)
        rows.append(
            (
                row["name"],
                row["method"],
                f"{row['bits_per_dim']['exact']:.4f}",
                f"{row['bits_per_dim']['float']:.4f}",
                f"{100 * loss(row):+.2f}%",
                _converted(row),
                *speeds,
                *times,
            )
        )
    head = (
        "model", "method", "bits/dim, exact", "float", "exact over float", "-ELBO, exact over float",
        "encode images/s, exact", "float", "decode images/s, exact", "float",
        "encoding takes exact, times", "decoding, times",
    )  # fmt: skip
    config, device = result["config"], result["device"]
    losses = [loss(row) for row in result["rows"]]
    slowest = max(statistics.median(row["exact_takes_times"][way]) for row in result["rows"] for way in WAYS)
    notes = (
        f"Exact files take {100 * min(losses):+.2f} to {100 * max(losses):+.2f}% more bytes, and at most {slowest:.2f} "
        "times the time.",
        f"Whole files of {_images(config)} test images, which were read back, decoded and compared. Float: the same "
        "weights, with products and activations in 32-bit floats. -ELBO: as the card states it, of the trained floats "
        "and of the integers that were made of them. Files of orc differ by their searches, too.",
        f"Times: medians of {config['rounds']} rounds of both in turn, in brackets the least and the largest ratio "
        f"of a round; on {device['cpu_cores']} CPU cores ({machine(device)}).",
    )
    return [Table("What exactness costs", head, tuple(rows), notes, "arithmetic", tuple(range(2, len(head))))]


def _images(config: dict[str, Any]) -> str:
    return " and ".join(f"{count:,} ({name})" for name, count in zip(config["methods"], config["images"], strict=True))


def _times(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _converted(row: dict[str, Any]) -> str:
    if row["stated_exact"] is None or row["stated_float"] is None:
        return ABSENT
    return f"{100 * (row['stated_exact'] / row['stated_float'] - 1):+.3f}%"


def plot(result: dict[str, Any], path: Path) -> None:
    """Images per second of both arithmetics."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = result["rows"]
    figure = Figure(figsize=(9, 1.2 + 0.45 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (way, label) in zip(figure.subplots(1, len(WAYS), sharey=True), WAYS.items(), strict=True):
        for shift, (name, colour) in enumerate({"exact": PART_COLOURS[0], "float": PLAIN_COLOUR}.items()):
            rates = [row["images_per_second"][name][way] for row in rows]
            bars = axes.barh([place + 0.4 * shift for place in range(len(rows))], rates, 0.4, color=colour, label=name)
            axes.bar_label(bars, [rounded(rate) for rate in rates], padding=3, fontsize=8)
        axes.set_xlabel(f"images per second, {label}")
        axes.margins(x=0.2)
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_yticks(
            [place + 0.2 for place in range(len(rows))], [f"{row['name']}, {row['method']}" for row in rows]
        )
    axes.invert_yaxis()
    axes.legend(frameon=False, fontsize=8)
    figure.suptitle("Networks in integers, and in floats", fontweight="bold")
    figure.savefig(path, dpi=150)
