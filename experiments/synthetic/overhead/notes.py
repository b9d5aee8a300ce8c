"""Writes the notes below the tables of overheads: definitions, and what the recorded figures show."""

from typing import Any

from experiments.reporting.tables import ABSENT
from experiments.reporting.verdicts import DETECTED, FLAGGED
from experiments.synthetic.coder_styles import CODED, LABELS


def of_overheads(result: dict[str, Any], place: str, law: str) -> tuple[str, ...]:
    """Writes the notes of a table of overheads.

    Args:
        result: The recorded result of the experiment.
        place: "one" for the table in one dimension, "many" for the one in many dimensions.
        law: Code of the index or depth, "zeta" or "delta".

    Returns:
        The notes.
    """
    config = result["config"]
    largest = max(row[f"{law}_overhead_se"] for row in result[place])
    error = f"Standard errors are at most {largest:.2f} bits."
    if law == "delta":
        return (f"The same searches under the other law. {error}",)
    return (*(_of_one(config, result) if place == "one" else _of_many(config, result)), error)


def _of_one(config: dict[str, Any], result: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"Cells: mean of the codelength less the target's KL over {config['runs']:,} targets of a Gaussian channel, "
        "whose mean KL is I. The same targets for every coder.",
        "Lower bound: E[D_CS] - I, the channel simulation divergence; no scheme of any kind sends less on average "
        "(arXiv:2501.14053).",
        "Codes of I + log2(I+1) + c bits exist for every channel, and the rows hold log2(I+1) + c: c = 2.45 by the "
        "ring toss (arXiv:2604.23076), c = 4 by Li and El Gamal 2018 (arXiv:1701.02827; a constant that we recall and "
        "have not confirmed).",
        "Index (PFR, ORC, global GPRS) or depth plus 1 under a zeta law whose exponent knows the mean over these very "
        "targets. A branch costs 1 bit; coded cuts: what it is worth, since the sides of an interval that is cut at a "
        "sample are uneven.",
        f"PFR, partitioned: log2 of the number of bins (2^I of them, at most 2^{config['intervals_log2']}) and the "
        f"index in the bin. {ABSENT}: not tried, as too many candidates.",
        _fixed(result),
        _unsuited(result),
    )


def _fixed(result: dict[str, Any]) -> str:
    rows = [row for row in result["one"] if "size_log2" in row]
    sizes = (
        f"{LABELS[name]} "
        + ", ".join(f"{row['size_log2']} at {row['information']}" for row in rows if row["coder"] == name)
        for name in dict.fromkeys(row["coder"] for row in rows)
    )
    return (
        "DAD*, ORC and MRC are approximate, and stand here at the smallest size whose bias these targets do not show: "
        f"in bits, by I, {'; '.join(sizes) or 'none'}. DAD* and MRC send so many bits whatever the target."
    )


def _of_many(config: dict[str, Any], result: dict[str, Any]) -> tuple[str, ...]:
    most = config["information"][-1]
    own = (row for row in result["many"] if row["information"] == most)
    each = "; ".join(f"{LABELS[row['coder']]} {row['zeta_overhead'] / row['dims']:.2f} bits" for row in own)
    bits = config["per_dim_bits"]
    return (
        f"The same information, {bits} bits to a dimension. Coders of single coordinates code every dimension by "
        "itself and pay for each; bits are added up over the dimensions.",
        f"Partitioned: 2^{bits} intervals in each dimension, and the code is log2 of the number of bins and one index "
        f"for the block. ORC examines 2^{config['orc_log2']} candidates and is approximate: see the table of biases.",
        f"For each dimension that is, at {most} bits: {each}.",
    )


def _unsuited(result: dict[str, Any]) -> str:
    rows = [row for row in result["one"] if row["unsuited"]]
    found = "none here"
    if rows:
        most = max(rows, key=lambda row: row["unsuited"] / row["runs"])
        found = f"{most['unsuited'] / most['runs']:.0%} of them at {most['information']} bits, "
        found += f"a few from {min(row['information'] for row in rows)} bits on"
    finest = max(result["one"], key=lambda row: row["information"])
    return (
        "The grid of 24 bits: targets that are too narrow for its words are reported with "
        f"Status.UNSUITED: {found}; the table of steps has the shares. At {finest['information']} bits a standard "
        f"deviation has at most {finest['words_per_scale']:.1f} words. AS* and AD* need no density."
    )


def of_steps() -> tuple[str, ...]:
    """Writes the notes of the tables of steps."""
    return (
        "Cells: median of the steps (samples examined in all searches of a target), and in brackets the share of "
        "targets with a search that a budget ended, which sends the best sample so far, or that is unsuited to the "
        f"coder. The plot marks shares above {FLAGGED:.0%}.",
        "Medians, as 2^D_inf has no finite mean over a channel: a few searches make the mean steps of PFR, of global "
        "GPRS, and of partitioned PFR in many dimensions. The result file has the means too.",
    )


def of_bias(result: dict[str, Any], place: str) -> tuple[str, ...]:
    """Writes the notes of a table of biases.

    Args:
        result: The recorded result of the experiment.
        place: "one" for the table in one dimension, "many" for the one in many dimensions.

    Returns:
        The notes.
    """
    tested = [row for row in result[place] if not row["coder"].endswith(CODED)]
    return (
        "Cells: KS distance of the samples from their targets, of the worst dimension. p: of that distance (corrected "
        f"for the number of dimensions) or of that of the log ratio, where below {DETECTED:g}, as 1 in "
        f"{1 / DETECTED:.0f} is of exact samples. There are {2 * len(tested)} such tests in this table.",
    )
