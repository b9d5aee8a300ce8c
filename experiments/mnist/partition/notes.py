"""Writes the notes below the tables of the experiment on space partitioning."""

from collections.abc import Iterator
from typing import Any

from experiments.mnist.partition.plots import label
from experiments.reporting.tables import below

AIMS = (("payload", "payload", 0.01), ("file", "whole file", 0.025))
"""Goals for the best setting: a figure, its name for readers, and its largest excess over -ELBO as a share."""


def rate_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of methods.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    seeds, device = result["config"]["seeds"], result["device"]
    return (
        *_best(result["rows"]),
        f"Means over {seeds} seeds, each of its own images of the {result['data']['count']:,} test images; images: of "
        f"a seed, fewer where a file would search more than {result['config']['most_candidates']:,} candidates. ± is "
        "the standard error over seeds.",
        "Every file was read back and decoded to equal images. Payload: the codes of the images, the final state of "
        "the coder included; whole file: with header, directory, padding and checksums.",
        "Over -ELBO: against the exact -ELBO of the very images that were coded, so that images that are easy by "
        "chance do not count; the optimum above is of all, and its KL that of the card.",
        "-log p(x|z) is at the z that was sent. Bias: Kolmogorov-Smirnov distances of samples from their posteriors, "
        "of the worst latent (p corrected for their number) and of the log ratio.",
        f"ms/image: encoding on {device['kind']}, {device['cpu_cores']} CPU cores, compiled code, median over seeds.",
        "Bins are equally likely, and indices and depths have zeta laws in all rows.",
        "The figures of Table 1 of arXiv:2405.12203 are not known to us, so no published row stands here.",
    )


def code_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of learned codes.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    first, codes = result["codes"][0], result["config"]["codes"]
    source = "are those that the model holds"
    if first["learned_here"]:
        source = (
            f"that the model does not hold were learned in this run: of indices on {codes['learn_images']:,} training "
            "images, of bins on all"
        )
    return (
        f"The same samples of {first['images_per_seed']:,} test images for each of {result['config']['seeds']} seeds, "
        f"so that rows differ by their codes alone. Learned laws {source}.",
        "Bins: of an interval of a latent, equal as under the prior, or by the mean of the training images' "
        "posteriors. Indices: a zeta law with the mean that is expected, or a histogram for each block.",
    )


def _best(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Compares the best partitioned row with the goals and with methods that send latents one by one."""
    partitioned = [row for row in rows if row["partition"] and row["candidates"] is not None]
    if not partitioned:
        return
    best = min(partitioned, key=lambda row: row["payload_overhead"])
    aims = (_aim(words, best[f"{name}_overhead"], most) for name, words, most in AIMS)
    blocks = f"{best['blocks']} block{'s' * (best['blocks'] > 1)}"
    yield f"Best: {label(best)}, {blocks} of {best['candidates']:,} samples: {'; '.join(aims)}."
    others = [
        f"{below(1 + best['payload_overhead'], 1 + row['payload_overhead'])} {label(row)}"
        for row in rows
        if row["candidates"] is None
    ]
    if others:
        yield f"Its payload, each as a share of the -ELBO of its own images, is {', '.join(others)}."


def _aim(words: str, overhead: float, most: float) -> str:
    outcome = "met" if overhead <= most else "missed"
    return f"{words} {100 * overhead:+.2f}% from -ELBO (wanted: at most {100 * most:g}%, {outcome})"
