"""Writes the notes below the tables of overheads: definitions, and what the recorded figures show."""

from typing import Any

from experiments.reporting.tables import ABSENT
from experiments.reporting.verdicts import DETECTED, FLAGGED
from experiments.synthetic.coder_styles import CODED, LABELS


def of_overheads(result: dict[str, Any], place: str, code: str) -> tuple[str, ...]:
    """Writes the notes of a table of overheads.

    Args:
        result: The recorded result of the experiment.
        place: "one" for the table in one dimension, "many" for the one in many dimensions.
        code: Code of the index or depth, "zeta" or "delta".

    Returns:
        The notes.
    """
    config = result["config"]
    largest = max(row[f"{code}_overhead_se"] for row in result[place])
    error = f"The largest standard error over targets is {largest:.2f} bits."
    if code == "delta":
        return (f"The same searches as in the table of the zeta code. {error}",)
    return (*(_of_one(config, result) if place == "one" else _of_many(config, result)), error)


def _of_one(config: dict[str, Any], result: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"n = {config['runs']:,} targets of a Gaussian channel, of mean KL I, the same for every coder.",
        "Lower bound: E[D_CS] - I, with the channel simulation divergence D_CS; no scheme needs less on average "
        "(arXiv:2501.14053).",
        "Sufficient: codes of I + log2(I+1) + c bits exist for every channel, and the rows hold log2(I+1) + c, with "
        "c = 2.45 (arXiv:2604.23076) and c = 4 (Li and El Gamal 2018, arXiv:1701.02827; a constant that we recall "
        "and have not confirmed).",
        "Code: the index (PFR, ORC, global GPRS), or depth plus 1 and the branches of the path in the tree, under a "
        "zeta distribution whose exponent is fitted to the mean over the same targets. A branch costs 1 bit; coded "
        "branches are arithmetic-coded with the probabilities of the sides of an interval that is cut at a sample.",
        f"PFR, partitioned: log2 of the number of bins (2^I, up to 2^{config['intervals_log2']}) and the index within "
        f"the bin. {ABSENT}: not run, as it needs too many candidates.",
        _fixed(result),
        _unsuited(result),
    )


def _fixed(result: dict[str, Any]) -> str:
    rows = [row for row in result["one"] if "size_log2" in row]
    sizes = (
        f"{LABELS[name]} "
        + ", ".join(f"{row['size_log2']} at I = {row['information']}" for row in rows if row["coder"] == name)
        for name in dict.fromkeys(row["coder"] for row in rows)
    )
    return (
        "DAD*, ORC and MRC are approximate, and are shown at the smallest number of bits for which no bias is detected "
        f"on these targets: {'; '.join(sizes) or 'none'}. The codes of DAD* and MRC have this fixed length."
    )


def _of_many(config: dict[str, Any], result: dict[str, Any]) -> tuple[str, ...]:
    most = config["information"][-1]
    own = (row for row in result["many"] if row["information"] == most)
    each = "; ".join(f"{LABELS[row['coder']]} {row['zeta_overhead'] / row['dims']:.2f} bits" for row in own)
    bits = config["per_dim_bits"]
    return (
        f"I is spread over I / {bits} dimensions of {bits} bits each. Scalar coders code every dimension separately; "
        "bits are sums over the dimensions.",
        f"Partitioned: 2^{bits} intervals in each dimension; the code is log2 of the number of bins and one index for "
        f"the block. ORC examines 2^{config['orc_log2']} candidates and is approximate (see the table of biases).",
        f"Per dimension, at I = {most} bits: {each}.",
    )


def _unsuited(result: dict[str, Any]) -> str:
    rows = [row for row in result["one"] if row["unsuited"]]
    found = "none here"
    if rows:
        most = max(rows, key=lambda row: row["unsuited"] / row["runs"])
        found = f"{most['unsuited'] / most['runs']:.0%} of them at I = {most['information']}, "
        found += f"and some from I = {min(row['information'] for row in rows)} on"
    finest = max(result["one"], key=lambda row: row["information"])
    return (
        "Values lie on a grid of 2^24 points of equal prior mass. Targets that are too narrow for it end with "
        f"Status.UNSUITED: {found} (see the table of steps). At I = {finest['information']} a standard deviation has "
        f"up to {finest['words_per_scale']:.1f} grid points. AS* and AD* evaluate no density, and are not affected."
    )


def of_steps() -> tuple[str, ...]:
    """Writes the notes of the tables of steps."""
    return (
        "Steps: candidates examined in all searches of a target. In brackets: share of targets with a search that "
        f"ended at its budget, or with Status.UNSUITED; the plot marks shares above {FLAGGED:.0%}.",
        "The mean of 2^D_inf over a channel is infinite, so that medians are shown; the result file has the means too.",
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
        "KS distance of the worst dimension. In brackets: the p-value of that distance (corrected for the number of "
        f"dimensions) or of that of the log ratio, if below {DETECTED:g}, as 1 in {1 / DETECTED:.0f} is for exact "
        f"samples; n = {2 * len(tested)} tests in this table.",
    )
