"""Writes the notes below the tables of the scalar coders: definitions, and what the recorded figures show."""

from typing import Any

from experiments.reporting.tables import ABSENT
from experiments.reporting.verdicts import DETECTED, largest_of, smallest_undetected
from experiments.synthetic.coder_styles import CODED, LABELS

KNOWN = (("KL", "kl_bits"), ("D_CS", "channel_bits"))
"""Rows of the tables of codelengths that depend on the targets alone: label and key of `result["targets"]`."""

CODE_TITLES = {
    "code_bits": "Mean codelength of exact coders, in bits: a zeta law that knows the mean",
    "delta_bits": "Mean codelength of exact coders, in bits: Elias's delta code, which knows nothing",
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
    # Rows with coded cuts are other codes of the same samples, and add no tests.
    tested = [row for row in result["exact"] if not row["coder"].endswith(CODED)]
    lowest = min(tested, key=lambda row: row["ks_pvalue"])
    ended = sum(row["exhausted"] for row in tested)
    return (
        "D_inf: log2 of the largest density ratio of target and prior. Steps: samples examined until the search may "
        "stop. ± is one standard error. Means of targets lie anywhere in ± min(1, D_inf / 4).",
        f"Straight lines through the means, weighted by their errors: {lines}.",
        "chi²/dof is about 1 where the means lie on a line but for their errors; where it is larger, the errors of "
        "the line are larger by its root, and the bend is more than noise.",
        f"Slopes from {rest[0]['from'] if rest else 0:g} bits on, without the targets that most searches find at once: "
        + (later or "too few targets")
        + ".",
        "PFR and global GPRS go through one list of candidates, whose mean steps grow as 2^D_inf; the others go down "
        f"a tree. {ABSENT}: not tried. {ended:,} searches were ended by a budget.",
        f"Exactness: the lowest p-value of {len(tested)} KS tests is {lowest['ks_pvalue']:.2g} "
        f"({LABELS[lowest['coder']]} at {lowest['divergence']:g} bits); among so many tests of exact samples one is as "
        f"low with probability {largest_of(lowest['ks_pvalue'], len(tested)):.2g}.",
    )


def _line(fit: dict[str, Any]) -> str:
    sign = "+" if fit["offset"] >= 0 else "-"
    return (
        f"{LABELS[fit['coder']]} ({fit['slope']:.3f} ± {fit['slope_se']:.3f}) D_inf {sign} "
        f"({abs(fit['offset']):.2f} ± {fit['offset_se']:.2f}), R² {fit['r_squared']:.4f}, "
        f"chi²/dof {fit['chi2_per_dof']:.1f}, no mean further off than {fit['largest_miss']:.2f} steps"
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
    error = f"Standard errors are at most {largest:.2f} bits."
    if figure == "delta_bits":
        return (f"As above, with Elias's delta code for the index or depth: it knows nothing, no mean. {error}",)
    return (
        "Code: of PFR and global GPRS the index, of the others the depth plus 1, and the branches. The index or depth "
        "has its length under a zeta law whose exponent knows the mean over these very runs (column by column), as a "
        "trained model would know it from others.",
        "A branch costs one bit; with coded cuts it costs what it is worth (`rec.branch_bits`), as the sides of an "
        f"interval that is cut at a sample are uneven. {error}",
        "D_CS: channel simulation divergence, in bits. The index of a causal rejection sampler has no less entropy "
        "(arXiv:2401.16579). For one target other codes may be shorter; its mean over the targets of a channel bounds "
        "every scheme (arXiv:2501.14053), as in the experiment synthetic_overhead.",
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
        bits = "none tried" if row is None else f"{row['bits']} bits (KL {row['bits'] - row['kl_bits']:+.2f})"
        found.append(f"{LABELS[name]} {bits}")
    return (
        f"Target N({config['bias_mean']:g}, {config['bias_scale']:g}²), KL {first['kl_bits']:.2f} bits, "
        f"{config['bias_runs']:,} samples a row; exact samples stay below a KS of {first['bias_ks_limit']:.3f} in 95% "
        "of cases.",
        f"Smallest code from which on neither test has p < {DETECTED:g}: {'; '.join(found)}. More samples show smaller "
        "biases.",
        "Bits: of a code of fixed length. b bits name one of 2^b candidates (ORC, MRC) or one of the 2^b - 1 nodes of "
        "a tree of depth b - 1 (DAD*).",
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
        "Cells: KS distance from the continuous target, and share of searches with Status.UNSUITED, of targets that "
        "are too narrow for the words of the grid. One target, of mean 1, a row: over targets that lie anywhere among "
        "the words, the KS distance does not show them.",
        "A word of the 24-bit grid has the mass 2^-24 of the prior, and no target has a larger D_inf than 24 bits on "
        f"it. A KS distance above that of exact samples{limit} shows the words themselves: AS* and AD* sample the "
        "target's law on words without error.",
    )
