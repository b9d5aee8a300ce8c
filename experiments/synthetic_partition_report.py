"""Steps, code and candidates with and without a partition: two tables and a plot of three panels, from the JSON."""

from pathlib import Path
from typing import Any

from experiments import panels
from experiments.tables import ABSENT, Table, number, with_error, with_p_value

COLUMNS = (
    "D_inf, bits",
    "KL, bits",
    "intervals",
    "steps, plain",
    "given up, plain",
    "steps, partitioned",
    "times fewer",
    "code, plain",
    "code, partitioned",
    "bound, partitioned",
    "KS, partitioned",
)

_KINDS = ((False, panels.ORANGE, "o", "without partition"), (True, panels.BLUE, "s", "partitioned"))


def tables(result: dict[str, Any]) -> list[Table]:
    """The exact coder's steps and code, then the candidates that the approximate coder needs."""
    pairs = _pairs(result)
    dims = len(result["config"]["shares"])
    title = f"Exact search (PFR) for {dims}-D Gaussian targets, {result['config']['runs']:,} targets a row"
    exact = Table(title, COLUMNS, tuple(_exact_row(*pair) for pair in pairs), _exact_notes(result, *pairs[-1]))
    return [exact, _needed_table(result)]


def plot(result: dict[str, Any], path: Path) -> None:
    """Panels: steps of the exact coder, codelength, candidates of the approximate coder."""
    made, axes = panels.figure(1, 3, (14.5, 5.0), "What does cutting space into bins of equal mass save?")
    _plot_steps(axes[0, 0], result)
    _plot_code(axes[0, 1], result)
    _plot_needed(axes[0, 2], result)
    panels.save(made, path)


def _pairs(result: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows without and with a partition, by divergence."""
    plain, split = ([row for row in result["exact"] if row["partitioned"] == kind] for kind in (False, True))
    return list(zip(plain, split, strict=True))


def _exact_row(plain: dict[str, Any], split: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{plain['divergence']:g}",
        number(plain["kl_bits"], 2),
        "x".join(map(str, split["intervals"])),
        with_error(plain["steps"], plain["steps_se"], 1),
        number(100 * plain["exhausted"] / plain["runs"], 1, "%"),
        with_error(split["steps"], split["steps_se"], 1),
        number(plain["steps"] / split["steps"], 1),
        with_error(plain["code_bits"], plain["code_bits_se"], 2),
        with_error(split["code_bits"], split["code_bits_se"], 2),
        number(split["bound_bits"], 2),
        with_p_value(split["bias_ks"], split["bias_ks_pvalue"]),
    )


def _exact_notes(result: dict[str, Any], plain: dict[str, Any], split: dict[str, Any]) -> tuple[str, ...]:
    budget = result["config"]["budget"]
    saved = plain["steps"] / split["steps"]
    return (
        f"At D_inf = {plain['divergence']:g} bits the partition takes {number(plain['steps'], 0)} steps to "
        f"{number(split['steps'], 0)}, {number(saved, 0)} times fewer, and the code changes by "
        f"{split['code_bits'] - plain['code_bits']:+.2f} bits.",
        "D_inf: log2 of the largest density ratio q/p; plain PFR takes 2^D_inf steps. Steps: candidates examined. "
        f"Given up: the budget of {budget:,} candidates ended the search, so the plain mean is too low there.",
        "Code: log2 of the number of bins, and the index under the zeta law whose exponent comes from other targets of "
        "the family. ± is the standard error over targets.",
        "Bound: KL + e + log2(KL - log2 J + e + 2) + 2 with e = E max(0, log2 J - log2 r), our form of the paper's "
        "theorem (arXiv:2405.12203, whose constants we could not confirm); it is on the mean of the exact coder.",
        "Intervals come from the mean KL of each dimension over other targets, 2^KL rounded, with log2 J at most the "
        "KL. KS: worst dimension of the partitioned samples, p corrected for their number; exact samples have p > 0.05 "
        "in 95% of cases.",
    )


def _needed_table(result: dict[str, Any]) -> Table:
    levels = result["config"]["approximate"]["mmd2_levels"]
    words = {False: "plain", True: "partitioned"}
    columns = ["D_inf, bits", *(f"MMD² {level:g}, {words[kind]}" for level in levels for kind in words)]
    rows = []
    for divergence in result["config"]["divergences"]:
        cells = [_cell(_find(result, divergence, kind, level)) for level in levels for kind in words]
        rows.append((f"{divergence:g}", *cells))
    most = [result["config"]["approximate"][f"{name}_candidates_log2"][-1] for name in ("plain", "partitioned")]
    notes = (
        f"MMD² of (z - mean)/scale from the standard normal, on {result['config']['approximate']['runs']:,} samples "
        "each; the number of candidates is interpolated between those tried (in logarithms).",
        f"{ABSENT}: not reached with the most candidates tried, 2^{most[0]} without and 2^{most[1]} with a partition.",
    )
    return Table("Candidates that ORC needs for a bias", tuple(columns), tuple(rows), notes, "candidates")


def _find(result: dict[str, Any], divergence: float, partitioned: bool, level: float) -> float | None:
    wanted = (divergence, partitioned, level)
    found = (row for row in result["needed"] if (row["divergence"], row["partitioned"], row["mmd2_level"]) == wanted)
    return next(found)["log2_candidates"]


def _cell(log2: float | None) -> str:
    return ABSENT if log2 is None else number(2**log2, 0 if log2 >= 3 else 1)


def _plot_steps(panel: Any, result: dict[str, Any]) -> None:
    for kind, colour, marker, label in _KINDS:
        rows = [row for row in result["exact"] if row["partitioned"] == kind]
        x, y = [row["divergence"] for row in rows], [row["steps"] for row in rows]
        panel.plot(x, y, color=colour, marker=marker, label=label)
        ended = [row for row in rows if row["exhausted"]]
        if ended:
            panel.plot(
                [row["divergence"] for row in ended],
                [row["steps"] for row in ended],
                marker="o",
                markersize=13,
                fillstyle="none",
                color=panels.RED,
                linestyle="none",
                label="" if kind else f"the budget of {result['config']['budget']:,} ended some searches",
            )
    divergences = result["config"]["divergences"]
    panel.plot(divergences, [2**d for d in divergences], "--", color=panels.GREY, linewidth=1, label="2^D_inf")
    panels.doublings(panel)
    panels.name(
        panel,
        "How long is the exact search?",
        "Renyi-infinity divergence of target and prior, D_inf (bits)",
        "mean candidates examined (lower is better)",
    )
    panel.legend(frameon=False, fontsize=8)


def _plot_code(panel: Any, result: dict[str, Any]) -> None:
    for kind, colour, marker, label in _KINDS:
        rows = [row for row in result["exact"] if row["partitioned"] == kind]
        x = [row["kl_bits"] for row in rows]
        panel.plot(x, [row["code_bits"] for row in rows], color=colour, marker=marker, label=label)
        style = "-." if kind else ":"
        panel.plot(x, [row["bound_bits"] for row in rows], style, color=colour, label=f"bound, {label}")
    ends = [0.0, max(row["kl_bits"] for row in result["exact"])]
    panel.plot(ends, ends, "--", color=panels.GREY, linewidth=1, label="KL, what no code can beat by much")
    panels.name(
        panel, "How long is its code?", "mean KL of target and prior (bits)", "mean codelength, bits (lower is better)"
    )
    panel.legend(frameon=False, fontsize=8)


def _plot_needed(panel: Any, result: dict[str, Any]) -> None:
    styles = ("-", "--", ":", "-.")
    for place, level in enumerate(result["config"]["approximate"]["mmd2_levels"]):
        for kind, colour, marker, label in _KINDS:
            found = [(d, _find(result, d, kind, level)) for d in result["config"]["divergences"]]
            known = [(d, 2**log2) for d, log2 in found if log2 is not None]
            style = {"color": colour, "marker": marker, "linestyle": styles[place % len(styles)], "markersize": 4}
            panel.plot([d for d, _ in known], [n for _, n in known], label=f"{label}, MMD² {level:g}", **style)
    panels.doublings(panel)
    panels.name(
        panel,
        "How many candidates for a small bias (ORC)?",
        "Renyi-infinity divergence, D_inf (bits)",
        "candidates needed (lower is better)",
    )
    panel.legend(frameon=False, fontsize=8)
