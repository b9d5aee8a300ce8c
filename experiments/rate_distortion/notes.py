"""Writes the notes below the tables of rate and distortion from the recorded figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.rate_distortion.curves import psnr_differences, savings, savings_either_way

RATES = {"whole files": "bits_per_pixel", "net of a flat picture's file": "net_bits_per_pixel"}


def notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of our files.

    Args:
        result: The recorded result of `experiments.rate_distortion.run`.

    Returns:
        The notes.
    """
    config, data = result["config"], result["data"]
    device = result["device"]
    steps = config.get("shared_steps", 0) + config["first_steps"]
    shared = f" (the first {config['shared_steps']:,} once for all ways)" if config.get("shared_steps") else ""
    found = [
        "Archive: one file of all pictures, each of which can be decoded alone; the size is that of the file on disk, "
        "which was read back and decoded to the pixels that PSNR (of rounded pixels, a mean over pictures, ± its "
        "standard error) is of. KL: of the blocks when they were sent; codes take more.",
        f"Fitted for {steps:,} steps{shared}, and after each block for {_steps(result)}, all pictures "
        f"together, on {device['count']} {device['kind']} ({device['cpu_cores']} cores), compilation included. A "
        "search serves all codes of its indices.",
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
        found.append(f"The model has learned from {result['model']['pictures']:,} of CIFAR-10's training images.")
    else:
        found.append("The model's prior was learned from the six photographs that come with two Python packages.")
    return tuple(found)


def rows_of(result: dict[str, Any], way: str, code: str | None = None) -> list[dict[str, Any]]:
    """Selects the rows of a way to send latents, under one code of the indices.

    Args:
        result: The recorded result of `experiments.rate_distortion.run`.
        way: Label of the way.
        code: Code of the indices; None for the code of the way's first row.

    Returns:
        The rows.
    """
    rows = [row for row in result["rows"] if row["way"] == way]
    return [row for row in rows if row["index_code"] == (code or rows[0]["index_code"])]


def codes_of(result: dict[str, Any], way: str) -> list[str]:
    """Lists the codes of the indices that a way's files have, the one that others are compared with first.

    Args:
        result: The recorded result of `experiments.rate_distortion.run`.
        way: Label of the way.

    Returns:
        The codes.
    """
    return list(dict.fromkeys(row["index_code"] for row in result["rows"] if row["way"] == way))


def _steps(result: dict[str, Any]) -> str:
    return ", ".join(f"{way['steps_between']} ({way['label']})" for way in result["config"]["ways"])


def _of_ways(result: dict[str, Any]) -> list[str]:
    ways = result["config"]["ways"]
    if len(ways) < 2:
        return []
    first, second = ways[0]["label"], ways[1]["label"]
    ours = rows_of(result, first)
    seconds = _time_ratio(ours, rows_of(result, second))
    found = []
    for code in codes_of(result, second):
        name = f"{second} ({code} index)"
        saved = savings_either_way(ours, rows_of(result, second, code))
        if not saved:
            found.append(f"{first} and {name} reach no PSNR in common.")
            continue
        share = 100 * float(np.mean(saved))
        found.append(
            f"At equal PSNR, {first} ({ours[0]['index_code']} index) takes {abs(share):.1f}% "
            f"{'fewer' if share >= 0 else 'more'} bits than {name} (mean over {_count(saved)}, {_span(saved)} "
            f"saved), in {seconds:.2f} times its time."
        )
    return found


def _count(points: Sequence[float]) -> str:
    return f"{len(points)} point{'s' * (len(points) != 1)}"


def _time_ratio(ours: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> float:
    """Divides our encoding time by that of the others, over the priors that both were sent with."""
    both = {row["prior"] for row in ours} & {row["prior"] for row in others}
    times = [sum(row["encode_seconds"] for row in rows if row["prior"] in both) for rows in (ours, others)]
    return times[0] / max(times[1], 1e-9)


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
        parts = [
            f"{name} {min(differences):+.1f} to {max(differences):+.1f} dB"
            for name, differences in psnr_differences(ours, result["peers"], key).items()
        ]
        if parts:
            found.append(f"Our archive against {kind} of others, PSNR at equal rates: {', '.join(parts)}.")
    return found
