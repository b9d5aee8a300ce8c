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
    """Writes the notes of the table of searches: the verdict, and definitions of the columns.

    Args:
        result: The recorded result of the experiment.

    Returns:
        The notes.
    """
    *partitioned, _ = result["blocks"]
    exact = result["exact_mmd2"]
    good, bad = ([row for row in partitioned if passes(row, exact) == passed] for passed in (True, False))
    return (
        f"No bias is detected with {_names(good)}; one is with {_names(bad)}. Detected: a KS test has "
        f"p < {DETECTED:g}, or the MMD² is above those of all {len(exact)} repeats of as many exact samples.",
        *map(_ks_note, partitioned),
        "p of KS: corrected for the number of dimensions. p of MMD²: its place among those of exact samples, from "
        f"{min(exact):.1e} to {max(exact):.1e}. Variance ratio: E[(sample - mean)²]/scale² over all dimensions, ± its "
        "standard error if exact.",
        "Every sample has a target of its own, N(mean, scale), with means as data draw them; KL is their mean, and the "
        "intervals are chosen from mean KLs alone. Residual KL: what the bin leaves, KL - log2 J + H(bin), which is "
        "log2 of the candidates at which the bias begins to vanish.",
        "Code: log2 J, and the index under a zeta law with the E log2(1 + r/J) of other targets. ± is the standard "
        "error over samples; the code of a biased search is too short.",
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
        f"Needed: the smallest power of two whose bias is not detected on {sweep['samples']:,} samples: neither KS "
        "test, of the worst dimension (corrected for their number) and of the log ratio, has a p-value below "
        f"{DETECTED:g}. More samples detect smaller biases and ask for more candidates, as in the table of the block. "
        "Tried from some 2^(residual KL + 2) on, in powers of two; or fewer: at the first that was tried.",
        f"Residual KL decides, which is computed, not measured: {min(each):.2f} to {max(each):.2f} bits of a dimension "
        "remain here, less where there are more intervals, at as many bits of log2 J more.",
    )
