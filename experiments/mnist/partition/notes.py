"""Writes the notes below the tables of the experiment on space partitioning."""

from collections.abc import Iterator
from typing import Any

from experiments.mnist.partition.plots import label
from experiments.reporting.tables import below


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
        f"Means over n = {seeds} seeds, each with its own images of the {result['data']['count']:,} test images; a "
        f"seed has fewer images where a file would need more than {result['config']['most_candidates']:,} "
        "candidates. ± is the standard error over seeds.",
        "Every file was read back and decoded to equal images. Payload: the codes of the images and the final state of "
        "the coder. Whole file: the payload with header, directory, padding and checksums.",
        "Over -ELBO: relative to the exact -ELBO of the same images, as images differ between rows. The first row is "
        "the -ELBO of all test images, with the KL of the model's card.",
        "-log2 p(x|z) is at the coded z. Bias: Kolmogorov-Smirnov distances of samples from their posteriors, "
        "of the worst latent (p corrected for their number) and of the log ratio.",
        f"ms/image: encoding on {device['kind']}, {device['cpu_cores']} CPU cores, compiled code, median over seeds.",
        "Bins have equal probabilities, and indices and depths have zeta distributions, in all rows.",
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
    source = "are part of the model"
    if first["learned_here"]:
        source = (
            f"that are not part of the model were learned in this run: of indices from {codes['learn_images']:,} "
            "training images, of bins from all"
        )
    return (
        f"All rows code the same samples: {first['images_per_seed']:,} test images for each of n = "
        f"{result['config']['seeds']} seeds; ± is the standard error over seeds. Learned probabilities {source}.",
        "Bins: the intervals of a latent have equal probabilities, as under the prior, or their mean under the "
        "posteriors of training images. Indices: a zeta distribution of the expected mean, or a histogram for each "
        "block.",
    )


def _best(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Compares the partitioned row of the smallest payload with methods that code latents one by one."""
    partitioned = [row for row in rows if row["partition"] and row["candidates"] is not None]
    if not partitioned:
        return
    best = min(partitioned, key=lambda row: row["payload_overhead"])
    blocks = f"{best['blocks']} block{'s' * (best['blocks'] > 1)}"
    payload, whole = (f"{100 * best[f'{name}_overhead']:+.2f}%" for name in ("payload", "file"))
    yield (
        f"Smallest payload over -ELBO of all partitioned rows: {label(best)}, {blocks} of {best['candidates']:,} "
        f"candidates, payload {payload} and whole file {whole} from -ELBO."
    )
    others = [
        f"{below(1 + best['payload_overhead'], 1 + row['payload_overhead'])} {label(row)}"
        for row in rows
        if row["candidates"] is None
    ]
    if others:
        yield f"Relative to the -ELBO of the coded images, its payload is {', '.join(others)}."
