"""Renders the speed of whole files, read from the recorded JSON, as tables and a plot."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.reporting import figures
from experiments.reporting.tables import ABSENT, Table, machine, number, rounded

OVERHEADS = (0.015, 0.010)
"""Shares of payload above -ELBO for which the notes name the fastest setting."""


def milliseconds(row: dict[str, Any]) -> float:
    """Returns the time of encoding an image.

    Args:
        row: A row of `result["alone"]`.

    Returns:
        Milliseconds.
    """
    return 1000 / row["images_per_second"]["encode"]


def fastest(result: dict[str, Any], overhead: float) -> dict[str, Any] | None:
    """Finds the fastest setting of which the payload exceeds -ELBO by no more than a share.

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
                "BB-ANS, all images in one stream",
                number(row["bits_per_dim"], 3),
                *(rounded(row["images_per_second"][code]) for code in ("encode", "decode")),
                f"{100 * row['head_bytes'] / row['file_bytes']:.3f}%",
            )
        )
        rows += [
            (
                row["model"],
                f"{peer['name']}, one file per image",
                number(peer["bits_per_dim"], 3),
                *(rounded(peer["images_per_second"][code]) for code in ("encode", "decode")),
                ABSENT,
            )
            for peer in result["peers"]
            if peer["model"] == row["model"]
        ]
    head = (
        "model",
        "codec",
        "bits/dim",
        "encode images/s",
        "decode images/s",
        "states of the coder's lanes, share of the file",
    )
    chains = Table(
        "Speed of whole files of MNIST's test images", head, tuple(rows), _chain_notes(result), "chains", (0, 1)
    )
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
    head = ("blocks per image", "candidates per block", "encode ms/image", "payload over -ELBO", "decode images/s")
    return [
        chains,
        Table("Each image decodable alone, partitioned ORC", head, points, _alone_notes(result), "alone", ()),
    ]


def _chain_notes(result: dict[str, Any]) -> tuple[str, ...]:
    device, config = result["device"], result["config"]
    lanes = ", ".join(f"{row['model']} {row['lanes']}" for row in result["chains"])
    first = ", ".join(f"{max(row['first_seconds'].values()):.1f} s" for row in result["chains"])
    return (
        "Times include the networks, the coder, the container and the writing of the file, and not the decoding by "
        f"which `recjax compress` verifies a file. Medians of n = {config['rounds']} rounds; every file was read back "
        f"and decoded to equal images. The first call, which compiles, took {first}.",
        f"Lanes of the coder: {lanes}. Other codecs at their strongest settings, on n = {config['peer_images']} "
        "images and one core.",
        f"Measured on {device['cpu_cores']} CPU cores ({machine(device)}).",
    )


def _alone_notes(result: dict[str, Any]) -> tuple[str, ...]:
    notes = []
    for overhead in OVERHEADS:
        row = fastest(result, overhead)
        if row is not None:
            notes.append(
                f"Fastest setting within {100 * overhead:.1f}% of -ELBO: {row['blocks']} blocks of "
                f"{row['candidates']:,} candidates, {milliseconds(row):.2f} ms per image at "
                f"{100 * row['payload_overhead']:.2f}%."
            )
    seconds = float(np.median(result["decoding"]["seconds"]["decode"]))
    count = result["alone"][0]["images"]
    return (
        *notes,
        f"A file of {result['decoding']['images']:,} images is decoded in {seconds:.1f} s.",
        f"n = {count:,}: the first test images; payloads are compared with the -ELBO of the same images. Indices are "
        "coded with probabilities that were learned from training images.",
    )


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the time of encoding against the overhead, with a line for each number of blocks.

    Args:
        result: The recorded result of `experiments.benchmarks.files.run`.
        path: File of the plot.
    """
    figure, panels = figures.figure(1, 1, (figures.WIDTH, 5.2), "MNIST, each image decodable alone: bits and time")
    panel = panels[0, 0]
    numbers = list(dict.fromkeys(row["blocks"] for row in result["alone"]))
    for blocks in numbers:
        rows = [row for row in result["alone"] if row["blocks"] == blocks]
        times, shares = [milliseconds(row) for row in rows], [100 * row["payload_overhead"] for row in rows]
        label = f"{blocks} block{'s' if blocks > 1 else ''} per image"
        panel.plot(times, shares, label=label, **figures.BLOCKS.get(blocks, {}))
    first = [row for row in result["alone"] if row["blocks"] == numbers[0]]
    for row in first:
        place = (milliseconds(row), 100 * row["payload_overhead"])
        panel.annotate(f"{row['candidates']:,}", place, xytext=(5, 4), textcoords="offset points", fontsize=9)
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.set_ylim(0, max(100 * row["payload_overhead"] for row in result["alone"]) * 1.1)
    candidates = ", ".join(f"{row['candidates']:,}" for row in first)
    figures.name(
        panel,
        f"ORC, partitioned; along each line {candidates} candidates per block",
        "encoding, milliseconds per image, log scale (lower is better)",
        "payload over -ELBO, % (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9)
    figures.save(figure, path)
