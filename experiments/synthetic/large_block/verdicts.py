"""Decides which searches of the large block show a bias, and writes the notes below its tables."""

from typing import Any

from experiments.reporting.verdicts import DETECTED, detected, lowest_pvalue


def mmd_p_value(row: dict[str, Any], exact_mmd2: list[float]) -> float:
    """Ranks the MMD^2 of a search among those of exact samples.

    Args:
        row: Row of the search.
        exact_mmd2: MMD^2 of each repeat of exact samples.

    Returns:
        Share of them, the search itself included, whose MMD^2 is at least the search's; 1 / (repeats + 1) or more.
    """
    return (1 + sum(exact >= row["bias_mmd2"] for exact in exact_mmd2)) / (1 + len(exact_mmd2))


def passes(row: dict[str, Any], exact_mmd2: list[float]) -> bool:
    """Tells whether no bias of a search is detected, neither by the KS tests nor by an MMD^2 above all exact repeats.

    Args:
        row: Row of the search.
        exact_mmd2: MMD^2 of each repeat of exact samples.

    Returns:
        True if no bias is detected.
    """
    return not detected(row) and mmd_p_value(row, exact_mmd2) > 1 / (1 + len(exact_mmd2))


def of_blocks(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of searches: which searches show a bias, and definitions of the columns.

    Args:
        result: The recorded result of the experiment.

    Returns:
        The notes.
    """
    *partitioned, _ = result["blocks"]
    exact = result["exact_mmd2"]
    good, bad = ([row for row in partitioned if passes(row, exact) == passed] for passed in (True, False))
    return (
        f"A bias is detected with {_names(bad)}, and not with {_names(good)}. Detected: a KS test has p < "
        f"{DETECTED:g}, or the MMD² exceeds that of all {len(exact)} repeats with as many exact samples.",
        *map(_ks_note, partitioned),
        "p of KS is corrected for the number of dimensions. p of MMD² is its rank among those of exact samples, "
        f"which lie from {min(exact):.1e} to {max(exact):.1e}. Variance ratio: E[(sample - mean)²]/scale² over all "
        "dimensions, ± the standard error of exact samples.",
        "Every sample has its own normal target, of which the mean is drawn at random; KL is the mean over targets, "
        "and intervals are chosen from the mean KL of each dimension. Residual KL: KL - log2 J + H(bin), what the "
        "choice of one of the J bins leaves to the candidates; its bias begins to vanish at about 2^(residual KL) "
        "candidates.",
        "Code: log2 J, and the index under a zeta distribution fitted to E log2(1 + r/J) of other targets. ± is the "
        "standard error over samples. The code of a biased sample is too short.",
    )


def _names(rows: list[dict[str, Any]]) -> str:
    found = (f"{row['intervals']} intervals (lowest p of KS {lowest_pvalue(row):.2g})" for row in rows)
    return " and ".join(found) or "none of these searches"


def _ks_note(row: dict[str, Any]) -> str:
    each = ", ".join(f"{value:.4f}" for value in row["ks_per_dimension"])
    return (
        f"KS per dimension with {row['intervals']} intervals: {each}; exact samples keep the largest below "
        f"{row['bias_ks_limit']:.4f} in 95% of cases."
    )


def of_sweeps(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the tables of candidates needed.

    Args:
        result: The recorded result of the experiment.

    Returns:
        The notes.
    """
    sweep = result["config"]["sweep"]
    rows = [*result["by_dimensions"], *result["by_intervals"]]
    each = [row["residual_kl_bits"] / row["dimensions"] for row in rows]
    return (
        f"Candidates needed: the smallest power of two for which no bias is detected on n = {sweep['samples']:,} "
        "samples, as neither the KS test of the worst dimension (corrected for their number) nor that of the log "
        f"ratio has p < {DETECTED:g}; code and KS are those of the last number tried. With more samples a smaller "
        "bias is detected, and more candidates are needed. Trials begin near 2^(residual KL + 2) candidates; or "
        "fewer: no bias at the first trial.",
        f"Residual KL is computed from the targets: {min(each):.2f} to {max(each):.2f} bits per dimension here. More "
        "intervals leave less of it and add as much to log2 J.",
    )
