"""Renders the speed of whole files, read from the recorded JSON, as tables and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting.plots import PART_COLOURS
from experiments.reporting.tables import ABSENT, Table, machine, number, rounded

NEAR = (0.015, 0.010)
"""Shares above -ELBO, of which the quickest settings are named."""


def milliseconds(row: dict[str, Any]) -> float:
    """Returns the time of encoding an image.

    Args:
        row: A row of `result["alone"]`.

    Returns:
        Milliseconds.
    """
    return 1000 / row["images_per_second"]["encode"]


def best(result: dict[str, Any], overhead: float) -> dict[str, Any] | None:
    """Finds the fastest row of images alone within an overhead.

    Args:
        result: The recorded result of `experiments.benchmarks.files.run`.
        overhead: The largest share above -ELBO.

    Returns:
        The row, or None if none has so small an overhead.
    """
    within = [row for row in result["alone"] if row["payload_overhead"] <= overhead]
    return min(within, key=milliseconds, default=None)


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders chains beside other codecs, and images that are coded one by one.

    Args:
        result: The recorded result of `experiments.benchmarks.files.run`.

    Returns:
        Two tables.
    """
    rows = []
    for row in result["chains"]:
        rows.append(
            (
                row["model"],
                "BB-ANS, one stream",
                number(row["bits_per_dim"], 3),
                *(rounded(row["images_per_second"][code]) for code in ("encode", "decode")),
                f"{100 * row['head_bytes'] / row['file_bytes']:.3f}%",
            )
        )
        rows += [
            (
                row["model"],
                f"{peer['name']}, image by image",
                number(peer["bits_per_dim"], 3),
                *(rounded(peer["images_per_second"][code]) for code in ("encode", "decode")),
                ABSENT,
            )
            for peer in result["peers"]
            if peer["model"] == row["model"]
        ]
    head = (
        "images of",
        "codec",
        "bits/dim",
        "encoded, images/s",
        "decoded, images/s",
        "coder's heads in the file",
    )
    chains = Table("Whole files of MNIST's test set", head, tuple(rows), _chain_notes(result), "chains", (0, 1))
    points = tuple(
        (
            str(row["blocks"]),
            f"{row['candidates']:,}",
            number(milliseconds(row), 2),
            f"{100 * row['payload_overhead']:.2f}%",
            rounded(row["images_per_second"]["decode"]),
        )
        for row in result["alone"]
    )
    head = ("blocks", "candidates", "ms/image", "payload over -ELBO", "decoded, images/s")
    return [chains, Table("Images alone, partitioned ORC", head, points, _alone_notes(result), "alone", ())]


def _chain_notes(result: dict[str, Any]) -> tuple[str, ...]:
    device, config = result["device"], result["config"]
    lanes = ", ".join(f"{row['model']} {row['lanes']}" for row in result["chains"])
    first = ", ".join(f"{max(row['first_seconds'].values()):.1f} s" for row in result["chains"])
    return (
        "Networks, coder, container and writing are in the time of whole files, which were read back, decoded and "
        "compared (that is `recjax compress` without the decoding by which it verifies); medians of "
        f"{config['rounds']} rounds. The first call compiles: {first}.",
        f"Lanes: {lanes}. Other codecs at their strongest settings, on {config['peer_images']} images and one core.",
        f"Measured on {device['cpu_cores']} CPU cores ({machine(device)}).",
    )


def _alone_notes(result: dict[str, Any]) -> tuple[str, ...]:
    notes = []
    for overhead in NEAR:
        if row := best(result, overhead):
            notes.append(
                f"Quickest within {100 * overhead:.1f}% of -ELBO: {milliseconds(row):.2f} ms an image, "
                f"at {100 * row['payload_overhead']:.2f}%."
            )
    seconds = sorted(result["decoding"]["seconds"]["decode"])
    middle = seconds[len(seconds) // 2]
    notes.append(f"A file of {result['decoding']['images']:,} images is decoded in {middle:.1f} s.")
    count = result["alone"][0]["images"]
    notes.append(
        f"Of the first {count:,} test images, whose own -ELBO payloads are compared with; index codes learned."
    )
    return tuple(notes)


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the time of encoding against the overhead, with a line for each number of blocks.

    Args:
        result: The recorded result of `experiments.benchmarks.files.run`.
        path: File of the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    shades = (*PART_COLOURS, "#009e73", "#56b4e9", "#d55e00")
    numbers = list(dict.fromkeys(row["blocks"] for row in result["alone"]))
    for shade, blocks in zip(shades, numbers, strict=False):
        rows = [row for row in result["alone"] if row["blocks"] == blocks]
        times, shares = [milliseconds(row) for row in rows], [100 * row["payload_overhead"] for row in rows]
        axes.plot(times, shares, "o-", color=shade, label=f"{blocks} block{'s' if blocks > 1 else ''}")
        for row, x, y in zip(rows, times, shares, strict=True):
            axes.annotate(f"{row['candidates']:,}", (x, y), xytext=(3, 4), textcoords="offset points", fontsize=7)
    axes.set_xscale("log")
    axes.set_ylim(0, max(100 * row["payload_overhead"] for row in result["alone"]) * 1.1)
    axes.set_xlabel("milliseconds an image, encoding (log)")
    axes.set_ylabel("payload over -ELBO, %")
    axes.set_title("MNIST, each image alone: what time buys", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, title="labels: candidates", fontsize=8, title_fontsize=8)
    figure.savefig(path, dpi=150)
