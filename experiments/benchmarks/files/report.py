"""Renders the speed of whole files, read from the recorded JSON, as tables and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting.plots import PART_COLOURS
from experiments.reporting.tables import ABSENT, Table, machine, number, rounded

FAST = (0.5, 0.015)
CLOSE = (4.0, 0.010)
"""Goals, `FAST` and `CLOSE`, for images coded one by one: most milliseconds per image, and most payload above -ELBO."""

DECODE_SECONDS = 5.0


def milliseconds(row: dict[str, Any]) -> float:
    """Returns the time of encoding an image.

    Args:
        row: A row of `result["alone"]`.

    Returns:
        Milliseconds.
    """
    return 1000 / row["images_per_second"]["encode"]


def best(result: dict[str, Any], goal: tuple[float, float]) -> dict[str, Any] | None:
    """Finds the fastest row whose overhead meets a goal.

    Args:
        result: The recorded result of `experiments.benchmarks.files.run`.
        goal: Milliseconds (not used here) and the largest share above -ELBO, as `FAST`.

    Returns:
        The row, or None if none has so small an overhead.
    """
    within = [row for row in result["alone"] if row["payload_overhead"] <= goal[1]]
    return min(within, key=milliseconds, default=None)


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders chains beside other codecs, and images that are coded one by one.

    Args:
        result: The recorded result of `experiments.benchmarks.files.run`.

    Returns:
        Two tables.
    """
    wanted = {chain["model"]["name"]: chain for chain in result["config"]["chains"]}
    rows = []
    for row in result["chains"]:
        goal = wanted[row["model"]]
        rows.append(
            (
                row["model"],
                "BB-ANS, one stream",
                number(row["bits_per_dim"], 3),
                *(rounded(row["images_per_second"][code]) for code in ("encode", "decode")),
                f"{goal['wanted_encode']:,.0f} / {goal['wanted_decode']:,.0f}",
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
        "wanted",
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
    for goal in (FAST, CLOSE):
        row = best(result, goal)
        said = (
            "none reached it" if row is None else f"{milliseconds(row):.2f} ms at {100 * row['payload_overhead']:.2f}%"
        )
        met = row is not None and milliseconds(row) <= goal[0]
        notes.append(
            f"Wanted at most {goal[0]:g} ms an image within {100 * goal[1]:.1f}% of -ELBO: {said}, "
            f"{'met' if met else 'not met'}."
        )
    seconds = sorted(result["decoding"]["seconds"]["decode"])
    middle = seconds[len(seconds) // 2]
    notes.append(
        f"A file of {result['decoding']['images']:,} images is decoded in {middle:.1f} s (wanted under "
        f"{DECODE_SECONDS:g}, {'met' if middle < DECODE_SECONDS else 'not met'})."
    )
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
    for most, share in (FAST, CLOSE):
        axes.plot([0, most, most], [100 * share, 100 * share, 0], color="grey", linestyle=":", linewidth=1)
    axes.set_xscale("log")
    axes.set_ylim(0, max(100 * row["payload_overhead"] for row in result["alone"]) * 1.1)
    axes.set_xlabel("milliseconds an image, encoding (log)")
    axes.set_ylabel("payload over -ELBO, %")
    axes.set_title("MNIST, each image alone: what time buys", fontweight="bold")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, title="labels: candidates; dotted: wanted", fontsize=8, title_fontsize=8)
    figure.savefig(path, dpi=150)
