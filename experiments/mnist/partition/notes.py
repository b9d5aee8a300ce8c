"""What stands below the tables of space partitioning, from the figures."""

from collections.abc import Iterator
from typing import Any

from experiments.mnist.partition.plots import label
from experiments.reporting.tables import below


def rate_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Notes of the table of methods."""
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
    """Notes of the table of learned codes."""
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
    """The partitioned row with the least over -ELBO, against coders that send latents one by one."""
    partitioned = [row for row in rows if row["partition"] and row["candidates"] is not None]
    if not partitioned:
        return
    best = min(partitioned, key=lambda row: row["payload_overhead"])
    blocks = f"{best['blocks']} block{'s' * (best['blocks'] > 1)}"
    over = " and ".join(
        f"{words} {100 * best[f'{name}_overhead']:+.2f}%"
        for name, words in (("payload", "payload"), ("file", "whole file"))
    )
    yield f"Nearest to -ELBO: {label(best)}, {blocks} of {best['candidates']:,} samples, {over}."
    others = [
        f"{below(1 + best['payload_overhead'], 1 + row['payload_overhead'])} {label(row)}"
        for row in rows
        if row["candidates"] is None
    ]
    if others:
        yield f"Its payload, each as a share of the -ELBO of its own images, is {', '.join(others)}."
