"""Writes the notes below the tables of the scalar coders: definitions, and what the recorded figures show."""

from typing import Any

from experiments.reporting.tables import ABSENT
from experiments.reporting.verdicts import DETECTED, largest_of, smallest_undetected
from experiments.synthetic.coder_styles import CODED, LABELS

KNOWN = (("KL", "kl_bits"), ("D_CS", "channel_bits"))
"""Rows of the tables of codelengths that depend on the targets alone: label and key of `result["targets"]`."""

CODE_TITLES = {
    "code_bits": "Mean codelength of exact coders, bits, zeta code fitted to the mean",
    "delta_bits": "Mean codelength of exact coders, bits, Elias's delta code",
}


def of_steps(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of steps: fitted lines, exactness and budgets.

    Args:
        result: The recorded result of the experiment.

    Returns:
        The notes.
    """
    first = result["config"]["divergences"][0]
    whole, rest = ([fit for fit in result["fits"] if (fit["from"] > first) == later] for later in (False, True))
    lines = "; ".join(map(_line, whole)) or "too few targets"
    later = "; ".join(
        f"{LABELS[fit['coder']]} {fit['slope']:.3f} ± {fit['slope_se']:.3f} (chi²/dof {fit['chi2_per_dof']:.1f})"
        for fit in rest
    )
    # Rows with coded branches are other codes of the same samples, and add no tests.
    tested = [row for row in result["exact"] if not row["coder"].endswith(CODED)]
    lowest = min(tested, key=lambda row: row["ks_pvalue"])
    ended = sum(row["exhausted"] for row in tested)
    return (
        "D_inf: log2 of the largest density ratio of target and prior. Steps: samples examined until the search may "
        "stop. ± is the standard error over targets, whose means lie in ± min(1, D_inf / 4).",
        f"Linear fits to the means, weighted by their errors: {lines}.",
        "chi²/dof is about 1 if the means lie on a line but for their errors; where it is larger, there is curvature "
        "beyond noise, and the errors of the fit are larger by its square root.",
        f"Slopes of fits from D_inf = {rest[0]['from'] if rest else 0:g} bits on, where few searches end at once: "
        + (later or "too few targets")
        + ".",
        "PFR and global GPRS examine a sequence of candidates, 2^D_inf of them on average; the others descend a tree. "
        f"{ABSENT}: not run. {ended:,} searches ended at their budget.",
        f"Exactness: the lowest p-value of n = {len(tested)} KS tests is {lowest['ks_pvalue']:.2g} "
        f"({LABELS[lowest['coder']]} at {lowest['divergence']:g} bits); for exact samples, one of so "
        f"many tests is as low with probability {largest_of(lowest['ks_pvalue'], len(tested)):.2g}.",
    )


def _line(fit: dict[str, Any]) -> str:
    sign = "+" if fit["offset"] >= 0 else "-"
    return (
        f"{LABELS[fit['coder']]} ({fit['slope']:.3f} ± {fit['slope_se']:.3f}) D_inf {sign} "
        f"({abs(fit['offset']):.2f} ± {fit['offset_se']:.2f}), R² {fit['r_squared']:.4f}, "
        f"chi²/dof {fit['chi2_per_dof']:.1f}, largest residual {fit['largest_miss']:.2f} steps"
    )


def of_codes(result: dict[str, Any], figure: str) -> tuple[str, ...]:
    """Writes the notes of a table of codelengths: the code of the index or depth, and the bounds.

    Args:
        result: The recorded result of the experiment.
        figure: A key of `CODE_TITLES`.

    Returns:
        The notes.
    """
    largest = max(row[f"{figure}_se"] for row in result["exact"])
    error = f"The largest standard error over targets is {largest:.2f} bits."
    if figure == "delta_bits":
        return (f"As above, with Elias's delta code, which has no parameter, for the index or depth. {error}",)
    return (
        "Code: the index (PFR and global GPRS), or depth plus 1 and the branches of the path in the tree. Index and "
        "depth are coded under a zeta distribution whose exponent is fitted to the mean over the same targets, for "
        "each column.",
        "A branch costs one bit; coded branches (`rec.branch_bits`) are arithmetic-coded with the probabilities of the "
        f"sides of an interval that is cut at a sample. {error}",
        "D_CS: channel simulation divergence, a lower bound on the entropy of the index of a causal rejection "
        "sampler (arXiv:2401.16579). Its mean over the targets of a channel bounds every scheme (arXiv:2501.14053); "
        "for a single target other codes may be shorter.",
    )


def of_bias(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of biases, with each coder's smallest code without a detected bias.

    Args:
        result: The recorded result of the experiment.

    Returns:
        The notes.
    """
    config, first = result["config"], result["approximate"][0]
    found = []
    for name in config["approximate"]:
        row = smallest_undetected((row for row in result["approximate"] if row["coder"] == name), "bits")
        bits = "none" if row is None else f"{row['bits']} bits (KL {row['bits'] - row['kl_bits']:+.2f})"
        found.append(f"{LABELS[name]} {bits}")
    return (
        f"Target N({config['bias_mean']:g}, {config['bias_scale']:g}²), KL {first['kl_bits']:.2f} bits, n = "
        f"{config['bias_runs']:,} samples per row; exact samples stay below a KS of {first['bias_ks_limit']:.3f} in "
        "95% of cases.",
        f"Shortest code from which on neither test has p < {DETECTED:g}: {'; '.join(found)}. More samples reveal "
        "smaller biases.",
        "Bits: length of a code of fixed length, which names one of 2^b candidates (ORC, MRC) or one of the 2^b - 1 "
        "nodes of a tree of depth b - 1 (DAD*).",
    )


def of_grid(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of targets that are too narrow for the grid.

    Args:
        result: The recorded result of the experiment.

    Returns:
        The notes.
    """
    limit = f" ({result['grid'][0]['ks_limit']:.3f} in 95% of cases)" if result["grid"] else ""
    return (
        "KS distance from the continuous target, and share of searches with Status.UNSUITED. One target, of mean 1, "
        "per row: with targets at random places among the grid points, the KS distance would not show the grid.",
        "Values lie on a grid of 2^24 points of equal prior mass, so that D_inf cannot exceed 24 bits. A KS distance "
        f"above that of exact samples{limit} is due to the grid: AS* and AD* sample the target on the grid exactly.",
    )
