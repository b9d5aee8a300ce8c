"""Writes the notes below the tables of rate and distortion from the recorded figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from experiments.rate_distortion.curves import psnr_differences, savings, savings_either_way

RATES = {"whole files": "bits_per_pixel", "files without headers (net)": "net_bits_per_pixel"}
"""Names of the rates of other codecs for readers, and their keys."""

NAMES = {
    "partition": "partitioned",
    "partition at random": "partitioned at random",
    "partition of what carries least": "partitioned by least KL",
    "16-bit blocks": "16-bit blocks, not partitioned",
    "cifar10": "CIFAR-10",
    "kodak": "Kodak",
}
"""Names for readers of methods and data that are recorded under other names."""


def name_of(recorded: str) -> str:
    """Returns the name of a method or data set for readers.

    Args:
        recorded: The name in the result.

    Returns:
        The name for readers.
    """
    return NAMES.get(recorded, recorded)


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
    shared = f" (the first {config['shared_steps']:,} once for all methods)" if config.get("shared_steps") else ""
    found = [
        "One file: all pictures in one file, each decodable alone. Every file was read back and decoded; PSNR is "
        f"that of the decoded 8-bit pixels, a mean over n = {data['count']} pictures ± its standard error. KL: of "
        "the blocks when they were encoded.",
        f"Posteriors were fitted for {steps:,} steps{shared}, and after each encoded block for {_steps(result)}, all "
        f"pictures together. Times are of {device['count']} {device['kind']} ({device['cpu_cores']} cores), "
        "compilation included. Rows that differ in the index code alone hold the same samples, found once.",
        *_of_ways(result),
        *_of_assignments(result),
        *_of_peers(result),
    ]
    if result["timing"]:
        times = result["timing"]
        found.append(
            f"Encoding {times['batch_pictures']} pictures together takes {times['batch_seconds_per_picture']:.2f} s "
            f"per picture, one by one {times['one_by_one_seconds_per_picture']:.2f} s ({times['alone_pictures']} "
            f"pictures), a ratio of {times['ratio']:.1f}; both with {times['steps']} steps, without compilation."
        )
    if data["name"] == "cifar10":
        found.append(f"The model was trained on {result['model']['pictures']:,} training images of CIFAR-10.")
    else:
        found.append("The prior of the model was learned from six photographs that come with two Python packages.")
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
    return ", ".join(f"{way['steps_between']} ({name_of(way['label'])})" for way in result["config"]["ways"])


def _of_ways(result: dict[str, Any]) -> list[str]:
    ways = result["config"]["ways"]
    if len(ways) < 2:
        return []
    first, second = ways[0]["label"], ways[1]["label"]
    ours = rows_of(result, first)
    seconds = _time_ratio(ours, rows_of(result, second))
    found = []
    for code in codes_of(result, second):
        name = f"{name_of(second)} ({code} index code)"
        saved = savings_either_way(ours, rows_of(result, second, code))
        if not saved:
            found.append(f"{name_of(first)} and {name} have no PSNR in common.")
            continue
        share = 100 * float(np.mean(saved))
        found.append(
            f"At equal PSNR, {name_of(first)} ({ours[0]['index_code']} index code) needs {abs(share):.1f}% "
            f"{'fewer' if share >= 0 else 'more'} bits than {name} (mean of {_count(saved)}, from "
            f"{_span(saved)}), in {seconds:.2f} times its encoding time."
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
    return f"{-100 * max(shares):+.1f} to {-100 * min(shares):+.1f}%"


def _of_assignments(result: dict[str, Any]) -> list[str]:
    parts = []
    ways = {way["label"]: way["partition"] for way in result["config"]["ways"]}
    best = rows_of(result, result["config"]["ways"][0]["label"])
    for label, kind in ways.items():
        if kind in ("random", "uninformative"):
            saved = savings(rows_of(result, label), best)
            if saved:
                parts.append(f"{name_of(label)}: {-100 * float(np.mean(saved)):+.1f}% bits at equal PSNR")
    base = name_of(result["config"]["ways"][0]["label"])
    return [f"Intervals that are not chosen by KL, relative to {base}: {'; '.join(parts)}."] if parts else []


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
            found.append(
                f"PSNR of our one file less that of {kind} of other codecs, at equal rates: {', '.join(parts)}."
            )
    return found
