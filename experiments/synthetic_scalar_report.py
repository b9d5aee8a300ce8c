"""Steps, code and bias of every coder in one dimension: three tables and a plot of four panels, from the JSON alone."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from experiments import panels
from experiments.tables import ABSENT, Table, number, with_error, with_p_value

LABELS = {
    "pfr": "PFR",
    "gprs_global": "GPRS, global",
    "as_star": "AS*",
    "ad_star": "AD*",
    "gprs": "GPRS",
    "grc": "GRC",
    "dad_star": "DAD*",
    "orc": "ORC",
    "mrc": "MRC",
}
_STYLES = {
    "pfr": (panels.RED, "o"),
    "gprs_global": (panels.ORANGE, "s"),
    "as_star": (panels.BLUE, "^"),
    "ad_star": (panels.GREEN, "v"),
    "gprs": ("#cc79a7", "D"),
    "grc": ("#56b4e9", "P"),
    "dad_star": (panels.GREEN, "v"),
    "orc": (panels.RED, "o"),
    "mrc": (panels.GREY, "x"),
}


def tables(result: dict[str, Any]) -> list[Table]:
    """Steps, codelength over KL, and the bias of the approximate coders."""
    config = result["config"]
    runs = f"{config['runs']:,} runs a cell, {config['candidate_runs']:,} where 2^D_inf candidates are examined"
    steps = Table(
        f"Mean steps of exact coders on 1-D Gaussians, {runs}",
        ("D_inf, bits", *_names(result)),
        tuple(_row(result, divergence, "steps", 1) for divergence in config["divergences"]),
        _step_notes(result),
        "steps",
    )
    code = Table(
        "Mean codelength of exact coders, in bits",
        ("D_inf, bits", "KL", "D_CS", *_names(result)),
        tuple(_code_row(result, divergence) for divergence in config["divergences"]),
        _code_notes(result),
        "code",
    )
    return [steps, code, _bias_table(result)]


def plot(result: dict[str, Any], path: Path) -> None:
    """Panels: steps, codelength over KL, overhead in bits, and bias at equal bits."""
    made, axes = panels.figure(
        2, 2, (12.0, 9.0), "What does a one-dimensional Gaussian sample cost to find and to send?"
    )
    _plot_steps(axes[0, 0], result)
    _plot_code(axes[0, 1], result)
    _plot_overhead(axes[1, 0], result)
    _plot_bias(axes[1, 1], result)
    panels.save(made, path)


def _names(result: dict[str, Any]) -> list[str]:
    return [LABELS[name] for name in _coders(result["exact"])]


def _coders(rows: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(row["coder"] for row in rows))


def _own(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["coder"] == name]


def _row(result: dict[str, Any], divergence: float, figure: str, decimals: int) -> tuple[str, ...]:
    found = {row["coder"]: row for row in result["exact"] if row["divergence"] == divergence}
    cells = []
    for name in _coders(result["exact"]):
        row = found.get(name)
        cells.append(ABSENT if row is None else with_error(row[figure], row[f"{figure}_se"], decimals))
    return (f"{divergence:g}", *cells)


def _code_row(result: dict[str, Any], divergence: float) -> tuple[str, ...]:
    row = next(row for row in result["exact"] if row["divergence"] == divergence)
    first, *rest = _row(result, divergence, "code_bits", 2)
    return (first, number(row["kl_bits"], 2), number(row["channel_bits"], 2), *rest)


def _step_notes(result: dict[str, Any]) -> tuple[str, ...]:
    lines = [
        f"{LABELS[fit['coder']]}: steps = {fit['slope']:.3f} D_inf {fit['offset']:+.2f}, R² {fit['r_squared']:.4f}"
        for fit in result["fits"]
    ]
    worst = max(row["ks"] * math.sqrt(row["runs"]) for row in result["exact"])
    notes = [
        "D_inf: log2 of the largest density ratio. Steps: samples examined. Straight lines: " + "; ".join(lines) + ".",
        f"PFR and global GPRS examine 2^D_inf candidates, here up to 2^{result['config']['budget_log2']}; "
        f"{ABSENT}: not tried.",
        f"All are exact: the largest KS distance of all cells is {worst:.2f} / sqrt(runs), where one of "
        f"{len(result['exact'])} cells passes {_expected_largest(len(result['exact'])):.2f} in half of all cases.",
    ]
    ended = sum(row["exhausted"] + row["unsuited"] for row in result["exact"])
    notes.append(f"{ended:,} of all searches were ended by a budget, or had a target that lies on too few words.")
    return tuple(notes)


def _expected_largest(cells: int) -> float:
    """Median of the largest of so many Kolmogorov variables."""
    low, high = 0.5, 4.0
    for _ in range(50):
        middle = (low + high) / 2
        tail = 2 * sum((-1) ** (k - 1) * math.exp(-2 * k**2 * middle**2) for k in range(1, 50))
        low, high = (middle, high) if (1 - tail) ** cells < 0.5 else (low, middle)
    return low


def _code_notes(result: dict[str, Any]) -> tuple[str, ...]:
    return (
        "Code: of PFR and global GPRS the index under the zeta law, of the others the depth (plus 1) under it and one "
        "bit a branch; the law's exponent knows the mean of the target at hand, as a trained model would.",
        "D_CS: channel simulation divergence, which no such code can beat (arXiv:2401.16579); it is at least the KL.",
    )


def _bias_table(result: dict[str, Any]) -> Table:
    rows = []
    for row in result["approximate"]:
        rows.append(
            (
                LABELS[row["coder"]],
                number(row["bits"], 0),
                with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
                with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"]),
                number(row["bias_mmd2"], 5),
            )
        )
    first = result["approximate"][0]
    config = result["config"]
    notes = (
        f"Target N({config['bias_mean']:g}, {config['bias_scale']:g}²), KL {first['kl_bits']:.2f} bits, "
        f"{config['bias_runs']:,} samples; exact samples stay below a KS of {first['bias_ks_limit']:.3f} in 95% of "
        "cases.",
        "Bits: of a code of fixed length: b bits name one of 2^b candidates (ORC, MRC) or one of the 2^b - 1 nodes of "
        "a tree of depth b - 1 (DAD*). The grid has words of 2^-24 of the prior's mass, where trees end.",
    )
    return Table(
        "Bias of approximate coders at equal bits",
        ("coder", "bits", "KS", "log-ratio KS", "MMD²"),
        tuple(rows),
        notes,
        "bias",
    )


def _plot_steps(panel: Any, result: dict[str, Any]) -> None:
    for name in _coders(result["exact"]):
        colour, marker = _STYLES[name]
        rows = _own(result["exact"], name)
        x, y = [row["divergence"] for row in rows], [row["steps"] for row in rows]
        panel.plot(x, y, color=colour, marker=marker, markersize=5, label=LABELS[name])
    panels.doublings(panel)
    panels.name(
        panel,
        "How many samples are examined?",
        "Renyi-infinity divergence, D_inf (bits)",
        "mean steps (lower is better)",
    )
    panel.legend(frameon=False, fontsize=8)


def _plot_code(panel: Any, result: dict[str, Any]) -> None:
    ends = 0.0
    for name in _coders(result["exact"]):
        colour, marker = _STYLES[name]
        rows = _own(result["exact"], name)
        ends = max(ends, *(row["kl_bits"] for row in rows))
        panel.plot(
            [row["kl_bits"] for row in rows],
            [row["code_bits"] for row in rows],
            color=colour,
            marker=marker,
            markersize=5,
            label=LABELS[name],
        )
    panel.plot([0, ends], [0, ends], "--", color=panels.GREY, linewidth=1, label="KL")
    panels.name(
        panel, "How long is the code?", "KL of target and prior (bits)", "mean codelength, bits (lower is better)"
    )
    panel.legend(frameon=False, fontsize=8)


def _plot_overhead(panel: Any, result: dict[str, Any]) -> None:
    for name in _coders(result["exact"]):
        colour, marker = _STYLES[name]
        rows = _own(result["exact"], name)
        panel.plot(
            [row["kl_bits"] for row in rows],
            [row["code_bits"] - row["kl_bits"] for row in rows],
            color=colour,
            marker=marker,
            markersize=5,
            label=LABELS[name],
        )
    x = np.linspace(0.1, max(row["kl_bits"] for row in result["exact"]), 100)
    panel.plot(
        x, np.log2(x + 1) + 4, ":", color="black", linewidth=1, label="log2(KL + 1) + 4 (Li and El Gamal, unconfirmed)"
    )
    panel.plot(
        x, np.log2(x + 1) + 2.45, "-.", color="black", linewidth=1, label="log2(KL + 1) + 2.45 (arXiv:2604.23076)"
    )
    rows = sorted({(row["kl_bits"], row["channel_bits"]) for row in result["exact"]})
    panel.plot(
        [kl for kl, _ in rows],
        [bound - kl for kl, bound in rows],
        "--",
        color=panels.GREY,
        linewidth=1,
        label="D_CS, a lower bound",
    )
    panel.set_ylim(bottom=0)
    panels.name(
        panel,
        "How much more than the KL?",
        "KL of target and prior (bits)",
        "codelength less KL, bits (lower is better)",
    )
    panel.legend(frameon=False, fontsize=7)


def _plot_bias(panel: Any, result: dict[str, Any]) -> None:
    for name in _coders(result["approximate"]):
        colour, marker = _STYLES[name]
        rows = _own(result["approximate"], name)
        panel.plot(
            [row["bits"] for row in rows],
            [row["bias_ks"] for row in rows],
            color=colour,
            marker=marker,
            label=LABELS[name],
        )
    first = result["approximate"][0]
    panel.axhline(
        first["bias_ks_limit"], linestyle="--", color=panels.GREY, linewidth=1, label="exact samples stay below, in 95%"
    )
    panel.axvline(first["kl_bits"], linestyle=":", color="black", linewidth=1, label="KL of the target")
    panel.set_yscale("log")
    panels.name(
        panel,
        "How wrong are short codes?",
        "bits of a code of fixed length",
        "KS distance from the target (lower is better)",
    )
    panel.legend(frameon=False, fontsize=8)
