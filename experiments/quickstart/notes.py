"""Writes the notes below the quickstart's tables, which say what each figure means and what it does not."""

import math
from typing import Any

from experiments.reporting.tables import with_p_value


def rate_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of rates.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    data, bound, device = result["data"], result["model"], result["device"]
    seeds = len(result["config"]["seeds"])
    notes = [
        "bits/dim: 8 x bytes of the file / pixels, after the file was read back and decoded to equal images. "
        "One stream: all images in one message. Image by image: every image can be decoded alone "
        "(recjax: one file with a directory; other codecs: one file per image, of which headers are the larger part). "
        f"Uncompressed: 8 bits/dim as bytes, log2 {data['levels']} = {math.log2(data['levels']):.2f} as grey levels.",
        f"Encoder and decoder both have the model, a file of {bound['file_bytes']:,} bytes, whose size is not counted. "
        f"Converting its networks to integers changed -ELBO by {100 * bound['conversion_loss']:+.3f}%.",
        "ideal: code of the latents - log2 p(x|z), without container and coder; for BB-ANS at a fresh draw of the "
        f"latents. ± is the standard error, over n = {seeds} seed{'s' * (seeds > 1)} for files and over images for "
        "-ELBO.",
        *_ks_notes(result["methods"], seeds),
    ]
    for row in result["methods"]:
        if row["initial_bits"]:
            share, rest = row["initial_bits"] / data["pixels"], 100 * row["overhead_after_initial_bits"]
            notes.append(
                f"{row['label']}: {row['initial_bits']:,.0f} initial bits ({share:.3f} bits/dim) are in the file; "
                f"without them it is {rest:+.2f}% from -ELBO."
            )
    notes += map(_budget_note, (row for row in result["methods"] if row["method"]["name"] == "pfr"))
    notes += (_pair_note(plain, split) for plain, split in _plain_and_partitioned(result["methods"]))
    notes.append(
        f"Speeds on {device['kind']}, {device['cpu_cores']} CPU cores: compiled code, median over the seeds, without "
        "the decoding by which `recjax compress` verifies a file; other codecs: one run of the one stream."
    )
    return tuple(notes)


def bias_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of biases.

    Args:
        result: The result of the experiment; not used, as these notes contain no figures.

    Returns:
        The notes.
    """
    return (
        "log-ratio KS: Kolmogorov-Smirnov distance from uniform of the ranks of log q(z)/p(z) of the samples among "
        "exact draws from their posteriors; p is of this one test.",
        "MMD²: squared maximum mean discrepancy of (z - mean)/scale from the standard normal, Gaussian kernel; an "
        "estimate that is 0 on average, and may be negative, when the samples are exact.",
    )


def _ks_notes(methods: list[dict[str, Any]], seeds: int) -> list[str]:
    known = [row for row in methods if row["bias_ks"] is not None]
    if not known:
        return []
    draws = _range([f"{row['bias_draws']:,}" for row in known])
    limit = _range([f"{row['bias_ks_limit']:.3f}" for row in known])
    return [
        "bias (KS): Kolmogorov-Smirnov distance of the samples of the worst latent from their posteriors, over "
        f"{draws} draws: every image of {seeds} seed{'s' * (seeds > 1)}, coded once more with other random numbers. "
        f"p is corrected for the number of latents; exact samples stay below {limit} in 95% of cases."
    ]


def _range(values: list[str]) -> str:
    return " to ".join(sorted(set(values), key=lambda text: float(text.replace(",", ""))))


def _budget_note(row: dict[str, Any]) -> str:
    ended, searches = row["exhausted_searches"], row["searches"]
    return (
        f"{row['label']}: its samples are exact unless a search ends at the budget of {row['method']['candidates']:,} "
        f"candidates per block, as {100 * ended / searches:.1f}% did ({ended:,} of {searches:,})."
    )


def _pair_note(plain: dict[str, Any], split: dict[str, Any]) -> str:
    biases = [
        f"{with_p_value(row['bias_ks'], row['bias_ks_pvalue'])} and of the log ratio "
        f"{with_p_value(row['bias_log_ratio_ks'], row['bias_log_ratio_pvalue'])}"
        for row in (split, plain)
    ]
    candidates, block_bits = split["method"]["candidates"], split["method"]["block_bits"]
    return (
        f"{split['label']} against {plain['label']} at {candidates:,} candidates per block and blocks of "
        f"{block_bits:g} bits: {split['ideal_bits_per_dim']:.3f} against {plain['ideal_bits_per_dim']:.3f} bits/dim "
        f"(ideal), bias (KS) {biases[0]} against {biases[1]}."
    )


def _plain_and_partitioned(methods: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Pairs rows that differ in space partitioning only."""

    def settings(row: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in row["method"].items() if key != "partition"}

    plain = [row for row in methods if row["method"]["partition"] is False]
    split = [row for row in methods if row["method"]["partition"]]
    return [(a, b) for a in plain for b in split if settings(a) == settings(b)]
