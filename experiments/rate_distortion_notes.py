"""What stands below the tables of rate and distortion, from the figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.rate_distortion_curves import curve, psnr_at, savings

RATES = {"whole files": "bits_per_pixel", "net of a flat picture's file": "net_bits_per_pixel"}


def notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Notes of the table of our files."""
    config, data = result["config"], result["data"]
    device = result["device"]
    found = [
        "Archive: one file of all pictures, each of which can be decoded alone; the size is that of the file on disk, "
        "which was read back and decoded to the pixels that PSNR (of rounded pixels, a mean over pictures, ± its "
        "standard error) is of. KL: of the blocks when they were sent; codes take more.",
        f"Fitted for {config['first_steps']:,} steps, and {config['steps_between']} after each block, all pictures "
        f"together, on {device['count']} {device['kind']} ({device['cpu_cores']} cores), compilation included.",
        *_of_ways(result),
        *_of_assignments(result),
        *_of_peers(result),
    ]
    if result["timing"]:
        times = result["timing"]
        found.append(
            f"Encoding as a batch of {times['batch_pictures']} takes {times['batch_seconds_per_picture']:.2f} s a "
            f"picture, one by one {times['one_by_one_seconds_per_picture']:.2f} s (of {times['alone_pictures']}, both "
            f"with {times['steps']} steps and compiled before): {times['ratio']:.1f} times."
        )
    if data["name"] == "cifar10":
        found.append("The models have seen part of the 20,000 training images that lie here, not all of the 50,000.")
    return tuple(found)


def rows_of(result: dict[str, Any], way: str) -> list[dict[str, Any]]:
    """The points of a way."""
    return [row for row in result["rows"] if row["way"] == way]


def _of_ways(result: dict[str, Any]) -> list[str]:
    ways = result["config"]["ways"]
    if len(ways) < 2:
        return []
    first, second = ways[0]["label"], ways[1]["label"]
    ours, others = rows_of(result, first), rows_of(result, second)
    saved = savings(ours, others)
    seconds = sum(row["encode_seconds"] for row in ours) / sum(row["encode_seconds"] for row in others)
    told = f"At equal PSNR, {first} takes "
    if not saved:
        return [f"{first} and {second} reach no PSNR in common; they took {seconds:.2f} to 1 in time."]
    share = 100 * float(np.mean(saved))
    told += f"{abs(share):.1f}% {'fewer' if share >= 0 else 'more'} bits than {second} (mean over {len(saved)} points, "
    return [told + f"{_span(saved)}), in {seconds:.2f} times its time. At least 5% fewer were wanted."]


def _span(shares: Sequence[float]) -> str:
    return f"{100 * min(shares):.1f} to {100 * max(shares):.1f}%"


def _of_assignments(result: dict[str, Any]) -> list[str]:
    parts = []
    ways = {way["label"]: way["partition"] for way in result["config"]["ways"]}
    best = rows_of(result, result["config"]["ways"][0]["label"])
    for label, kind in ways.items():
        if kind in ("random", "uninformative"):
            saved = savings(rows_of(result, label), best)
            if saved:
                parts.append(f"{label}: {-100 * float(np.mean(saved)):+.1f}% bits at equal PSNR")
    return [f"Intervals assigned otherwise than by information: {'; '.join(parts)}."] if parts else []


def _of_peers(result: dict[str, Any]) -> list[str]:
    ours = rows_of(result, result["config"]["ways"][0]["label"])
    if len(ours) < 2:
        return []
    found = []
    for kind, key in RATES.items():
        parts = []
        for name, points in result["peers"].items():
            bits, psnr = curve([point for point in points if point[key] > 0], key)
            gains = [(row, psnr_at(bits, psnr, row["bits_per_pixel"])) for row in ours]
            differences = [row["psnr_db"] - other for row, other in gains if other is not None]
            if differences:
                parts.append(f"{name} {min(differences):+.1f} to {max(differences):+.1f} dB")
        if parts:
            found.append(f"Our archive against {kind} of others, PSNR at equal rates: {', '.join(parts)}.")
    return found
