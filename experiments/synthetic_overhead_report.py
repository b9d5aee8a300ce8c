"""Bits above the mutual information, for one dimension and for many: tables and a plot, from the JSON alone."""

from pathlib import Path
from typing import Any

from experiments import synthetic_overhead_plots
from experiments.coder_choice import choice
from experiments.coder_styles import CODED, LABELS
from experiments.tables import ABSENT, Table, number, with_error

_LAWS = {"zeta": "a zeta law that knows the mean", "delta": "Elias's delta code, which knows nothing"}
_PLACES = {"one": "in one dimension", "many": "spread over dimensions"}


def tables(result: dict[str, Any]) -> list[Table]:
    """What to choose; overheads under two laws, and steps and bias, for each place that the information is in."""
    made = [_overhead_table(result, place, law) for law in _LAWS for place in _PLACES]
    return [*made, *(_search_table(result, place) for place in _PLACES), choice(result)]


def plot(result: dict[str, Any], path: Path) -> None:
    """See `synthetic_overhead_plots`."""
    synthetic_overhead_plots.plot(result, path)


def _grid(result: dict[str, Any], place: str) -> tuple[list[str], dict[tuple[str, int], dict[str, Any]]]:
    """Coders in their order, and rows by coder and information."""
    found = {(row["coder"], row["information"]): row for row in result[place]}
    return list(dict.fromkeys(coder for coder, _ in found)), found


def _overhead_table(result: dict[str, Any], place: str, law: str) -> Table:
    coders, found = _grid(result, place)
    rows = []
    for information in result["config"]["information"]:
        own = [found.get((coder, information)) for coder in coders]
        known = next(row for row in own if row is not None)
        cells = (_with_error(row, f"{law}_overhead") for row in own)
        bounds = (number(known[bound], 2) for bound in ("channel_overhead", "ring_toss", "functional"))
        rows.append((str(information), *bounds, *cells))
    head = ("I, bits", "lower bound", "ring toss", "Li, El Gamal", *(LABELS[coder] for coder in coders))
    title = f"Bits above the mutual information I, {_PLACES[place]}: {_LAWS[law]}"
    notes = _notes(result, place) if law == "zeta" else ("The same searches under the other law.",)
    return Table(title, head, tuple(rows), notes, place if law == "zeta" else f"{place}_{law}")


def _with_error(row: dict[str, Any] | None, figure: str) -> str:
    return ABSENT if row is None else with_error(row[figure], row[f"{figure}_se"], 2)


def _notes(result: dict[str, Any], place: str) -> tuple[str, ...]:
    config = result["config"]
    if place == "one":
        return (
            f"Cells: mean of the codelength less the target's KL, ± one standard error, over {config['runs']:,} "
            "targets of a Gaussian channel, whose mean KL is I. The same targets for every coder.",
            "Lower bound: E[D_CS] - I, the channel simulation divergence; no scheme of any kind sends less on average "
            "(arXiv:2501.14053, after arXiv:2401.16579).",
            "Codes of I + log2(I+1) + c bits exist for every channel, and the columns hold log2(I+1) + c: c = 2.45 by "
            "the ring toss (arXiv:2604.23076), c = 4 by Li and El Gamal 2018 (arXiv:1701.02827; a constant that we "
            "recall and have not confirmed).",
            "Index (PFR, global GPRS) or depth plus 1 under the law, whose exponent knows the mean over these targets. "
            "A branch costs 1 bit; coded cuts: what it is worth, since the sides of a cut of AS* and GPRS are uneven.",
            f"PFR, partitioned: log2 of the number of bins (2^I of them, at most 2^{config['intervals_log2']}) and the "
            f"index in the bin. {ABSENT}: not tried, as 2^D_inf candidates are too many.",
            _unsuited(result),
        )
    return (
        f"The same information, {config['per_dim_bits']} bits to a dimension. AS*, AD*, GPRS and GRC code every "
        "dimension by itself, and pay so many times what they pay for one (from the table of one dimension).",
        f"Partitioned: 2^{config['per_dim_bits']} intervals in each dimension, and the code is log2 of the number of "
        f"bins and one index for the block. ORC examines 2^{config['orc_log2']} candidates and is approximate: see its "
        "bias in the table of the searches.",
        f"For each dimension that is, at {config['information'][-1]} bits: {_per_dimension(result)}.",
        "DAD* and MRC have codes of fixed length, some 2 bits above the KL of a target: see synthetic_scalar.",
    )


def _per_dimension(result: dict[str, Any]) -> str:
    most = result["config"]["information"][-1]
    rows = [row for row in result["many"] if row["information"] == most]
    return "; ".join(f"{LABELS[row['coder']]} {row['zeta_overhead'] / row['dims']:.2f} bits" for row in rows)


def _unsuited(result: dict[str, Any]) -> str:
    rows = [row for row in result["one"] if row["coder"] == "gprs" and row["unsuited"]]
    shares = (f"{100 * row['unsuited'] / row['runs']:.1f}% at {row['information']} bits" for row in rows)
    return (
        "The grid of 24 bits: GPRS and GRC report targets on a dozen words or less with Status.UNSUITED, "
        + (", ".join(shares) or "none here")
        + "; at 20 bits a standard deviation has 6 words or fewer. AS* and AD* need no density."
    )


def _search_table(result: dict[str, Any], place: str) -> Table:
    coders, found = _grid(result, place)
    coders = [coder for coder in coders if not coder.endswith(CODED)]
    rows = []
    for information in result["config"]["information"]:
        own = [found.get((coder, information)) for coder in coders]
        rows.append((str(information), *(_search(row) for row in own)))
    tests = 2 * sum("bias_ks" in row for row in result[place] if row["coder"] in coders)
    notes = (
        "Cells: mean steps (samples examined); KS distance of the samples from their targets, of the worst dimension; "
        "share of searches that a budget ended, which send the best sample so far.",
        "p: of that distance (corrected for the number of dimensions) or of that of the log ratio, where below 0.01, "
        f"as 1 in 100 is of exact samples. There are {tests} such tests in this table.",
        "Over a channel 2^D_inf has no finite mean, so that a few searches make the mean steps of PFR and global GPRS.",
    )
    title = f"Steps and bias, {_PLACES[place]}"
    return Table(title, ("I, bits", *(LABELS[coder] for coder in coders)), tuple(rows), notes, f"{place}_search")


def _search(row: dict[str, Any] | None) -> str:
    if row is None:
        return ABSENT
    text = number(row["steps"], 1 if row["steps"] < 100 else 0)
    if "bias_ks" in row:
        text += f"; {row['bias_ks']:.3f}"
        lowest = min(row["bias_ks_pvalue"], row["bias_log_ratio_pvalue"])
        text += f" (p {lowest:.0e})" if lowest < 0.01 else ""
    return text + (f"; {100 * row['exhausted'] / row['runs']:.1f}%" if row["exhausted"] else "")
