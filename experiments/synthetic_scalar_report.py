"""Steps, code and bias of every coder in one dimension, and where the grid ends: five tables, from the JSON alone."""

import math
from pathlib import Path
from typing import Any

from experiments import synthetic_scalar_plots
from experiments.coder_styles import LABELS
from experiments.tables import ABSENT, Table, number, with_error, with_p_value

# Of the uniform laws of exact samples: the largest of many distances is judged by this share of cases.
_LEVEL = 0.5


def tables(result: dict[str, Any]) -> list[Table]:
    """Steps, codelength under two laws, the bias of the approximate coders, and targets on few words."""
    return [_step_table(result), *_code_tables(result), _bias_table(result), _grid_table(result)]


def plot(result: dict[str, Any], path: Path) -> None:
    """See `synthetic_scalar_plots`."""
    synthetic_scalar_plots.plot(result, path)


def _names(result: dict[str, Any]) -> list[str]:
    return [LABELS[name] for name in result["config"]["coders"]]


def _cells(result: dict[str, Any], divergence: float, figure: str, decimals: int) -> list[str]:
    found = {row["coder"]: row for row in result["exact"] if row["divergence"] == divergence}
    rows = [found.get(name) for name in result["config"]["coders"]]
    return [ABSENT if row is None else with_error(row[figure], row[f"{figure}_se"], decimals) for row in rows]


def _step_table(result: dict[str, Any]) -> Table:
    config = result["config"]
    rows = [
        (f"{divergence:g}", number(2**divergence, 0), *_cells(result, divergence, "steps", 2))
        for divergence in config["divergences"]
    ]
    title = (
        f"Mean steps of exact coders on 1-D Gaussians, {config['runs']:,} runs a cell "
        f"({config['candidate_runs']:,} of PFR and global GPRS)"
    )
    return Table(title, ("D_inf, bits", "2^D_inf", *_names(result)), tuple(rows), _step_notes(result), "steps")


def _step_notes(result: dict[str, Any]) -> tuple[str, ...]:
    whole, rest = (
        [fit for fit in result["fits"] if (fit["from"] > result["config"]["divergences"][0]) == later]
        for later in (False, True)
    )
    lines = [
        f"{LABELS[fit['coder']]}: ({fit['slope']:.3f} ± {fit['slope_se']:.3f}) D_inf "
        f"{'+' if fit['offset'] >= 0 else '-'} ({abs(fit['offset']):.2f} ± {fit['offset_se']:.2f}), "
        f"R² {fit['r_squared']:.4f}, no mean further off than {fit['largest_miss']:.2f} steps"
        for fit in whole
    ]
    later = [
        f"{LABELS[fit['coder']]} {fit['slope']:.3f} ± {fit['slope_se']:.3f}, R² {fit['r_squared']:.4f}" for fit in rest
    ]
    worst = max(row["ks"] * math.sqrt(row["runs"]) for row in result["exact"])
    cells = len(result["exact"])
    ended = sum(row["exhausted"] for row in result["exact"])
    return (
        "D_inf: log2 of the largest density ratio of target and prior. Steps: samples examined until the search may "
        "stop. ± is one standard error. Means of targets lie anywhere in ± min(1, D_inf / 4).",
        "Straight lines through the means, weighted by their errors. " + ("; ".join(lines) or "Too few targets") + ".",
        "What is missed by more than the errors is a bend at few bits, where a search has its one first step. Slopes "
        f"from {rest[0]['from'] if rest else 0:g} bits on: " + ("; ".join(later) or "too few targets") + ".",
        "PFR and global GPRS go through one list of candidates, 2^D_inf of them on average; the others go down a tree. "
        f"{ABSENT}: not tried. {ended:,} searches were ended by a budget.",
        f"All are exact: the largest of {cells} KS distances is {worst:.2f} / sqrt(runs), and that of exact samples is "
        f"above {_expected_largest(cells):.2f} in half of all cases.",
    )


def _expected_largest(cells: int) -> float:
    """Median of the largest of so many Kolmogorov variables."""
    low, high = 0.5, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        tail = 2 * sum((-1) ** (k - 1) * math.exp(-2 * k**2 * middle**2) for k in range(1, 50))
        low, high = (middle, high) if (1 - tail) ** cells < _LEVEL else (low, middle)
    return low


def _code_tables(result: dict[str, Any]) -> list[Table]:
    notes = {
        "code_bits": (
            "Code: of PFR and global GPRS the index, of the others the depth plus 1 and one bit a branch. The index or "
            "depth has the length that a zeta law gives it whose exponent knows the mean over the runs, as a trained "
            "model would.",
            "D_CS: channel simulation divergence, in bits. No index into one list of candidates has less entropy "
            "(arXiv:2401.16579); paths of a tree may be shorter for one target, but not on average over the targets of "
            "a channel (arXiv:2501.14053), as in the experiment synthetic_overhead.",
        ),
        "delta_bits": (
            "As above, with Elias's delta code for the index or depth: it knows nothing, not even a mean. (zeta and "
            "delta coding in the papers.)",
        ),
    }
    titles = {
        "code_bits": "Mean codelength of exact coders, in bits: a zeta law that knows the mean",
        "delta_bits": "Mean codelength of exact coders, in bits: Elias's delta code, which knows nothing",
    }
    made = []
    for figure, title in titles.items():
        rows = []
        for divergence in result["config"]["divergences"]:
            row = next(row for row in result["exact"] if row["divergence"] == divergence)
            known = (f"{divergence:g}", number(row["kl_bits"], 2), number(row["channel_bits"], 2))
            rows.append((*known, *_cells(result, divergence, figure, 2)))
        head = ("D_inf, bits", "KL", "D_CS", *_names(result))
        made.append(Table(title, head, tuple(rows), notes[figure], figure.removesuffix("_bits")))
    return made


def _bias_table(result: dict[str, Any]) -> Table:
    rows = [
        (
            LABELS[row["coder"]],
            number(row["bits"], 0),
            str(row["bits"] - 1) if row["coder"] == "dad_star" else ABSENT,
            with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
            with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"]),
            number(row["bias_mmd2"], 5),
        )
        for row in result["approximate"]
    ]
    first, config = result["approximate"][0], result["config"]
    notes = (
        f"Target N({config['bias_mean']:g}, {config['bias_scale']:g}²), KL {first['kl_bits']:.2f} bits, "
        f"{config['bias_runs']:,} samples a row; exact samples stay below a KS of {first['bias_ks_limit']:.3f} in 95% "
        "of cases.",
        "Bits: of a code of fixed length. b bits name one of 2^b candidates (ORC, MRC) or one of the 2^b - 1 nodes of "
        "a tree of depth b - 1 (DAD*).",
    )
    head = ("coder", "bits", "tree's depth", "KS", "log-ratio KS", "MMD²")
    return Table("Bias of approximate coders at equal bits", head, tuple(rows), notes, "bias")


def _grid_table(result: dict[str, Any]) -> Table:
    trees = [name for name in result["config"]["coders"] if any(row["coder"] == name for row in result["grid"])]
    found = {(row["coder"], row["divergence"]): row for row in result["grid"]}
    rows = []
    for divergence in result["config"]["grid_divergences"] if trees else ():
        own = [found[name, divergence] for name in trees]
        kept = (f"{100 * row['unsuited'] / row['runs']:.0f}%" for row in own)
        rows.append(
            (
                f"{divergence:g}",
                number(own[0]["words_per_scale"], 2),
                *(f"{row['ks']:.3f}, {share}" for row, share in zip(own, kept, strict=True)),
            )
        )
    limit = synthetic_scalar_plots.KS_LIMIT / math.sqrt(result["config"]["runs"])
    notes = (
        "Cells: KS distance from the continuous target, and share of searches with Status.UNSUITED: GPRS and GRC need "
        "a density, and report targets that lie on a dozen words or less. One target, of mean 1, a row: over targets "
        "that lie anywhere among the words, the KS distance does not show them.",
        "A word of the 24-bit grid has the mass 2^-24 of the prior, and no target has a larger D_inf than 24 bits on "
        f"it. A KS distance above that of exact samples ({limit:.3f} in 95% of cases) shows the words themselves: AS* "
        "and AD* sample the target's law on words without error.",
    )
    head = ("D_inf, bits", "words in one standard deviation", *(LABELS[name] for name in trees))
    return Table("Where the grid of 24 bits ends", head, tuple(rows), notes, "grid")
