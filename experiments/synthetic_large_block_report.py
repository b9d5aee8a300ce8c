"""The 48-bit block: its bias, and candidates needed by dimensions and by intervals, from the JSON alone."""

import math
from pathlib import Path
from typing import Any

from experiments import panels
from experiments.tables import Table, number, with_error, with_p_value

COLUMNS = (
    "search",
    "samples",
    "KL, bits",
    "residual KL, bits",
    "code, bits",
    "KS, worst dim",
    "log-ratio KS",
    "MMD²",
    "variance ratio",
)

SWEEP_COLUMNS = (
    "dimensions",
    "intervals each",
    "log2 J, bits",
    "residual KL, bits",
    "candidates needed",
    "code, bits",
    "KS there",
    "log-ratio KS there",
)


def tables(result: dict[str, Any]) -> list[Table]:
    """The block with and without a partition; the sweep of dimensions and that of intervals."""
    config = result["config"]
    dims, bits = config["block"]["dimensions"], config["bits"]
    title = f"{bits:g} bits of KL in one block of {dims} dimensions, ORC"
    first = Table(title, COLUMNS, tuple(map(_block_row, result["blocks"])), _block_notes(result))
    sweeps = []
    for name, words in (("by_dimensions", "the dimensions that share them"), ("by_intervals", "intervals")):
        rows = tuple(_sweep_row(row, config) for row in result[name])
        title = f"Candidates needed for {bits:g} bits of KL, by {words}"
        sweeps.append(Table(title, SWEEP_COLUMNS, rows, _sweep_notes(config), name))
    return [first, *sweeps]


def plot(result: dict[str, Any], path: Path) -> None:
    """Panels: the samples against their targets, candidates needed by dimensions and by intervals."""
    bits = result["config"]["bits"]
    made, axes = panels.figure(
        1,
        3,
        (14.5, 4.8),
        f"Can {bits:g} bits go through one search? Without a partition it takes some 2^{bits:g} candidates",
    )
    _plot_residuals(axes[0, 0], result)
    dims = result["config"]["block"]["dimensions"]
    needed = "candidates (lower is better)"
    by_dimensions = (
        "dimensions",
        "Into how many dimensions may they go?",
        f"dimensions that share {bits:g} bits of KL",
    )
    by_intervals = ("intervals", "How finely should each be cut?", f"intervals per dimension (of {dims})")
    for panel, name, (key, title, x) in (
        (axes[0, 1], "by_dimensions", by_dimensions),
        (axes[0, 2], "by_intervals", by_intervals),
    ):
        _plot_needed(panel, result[name], key, result["config"])
        panels.name(panel, title, x, needed)
    panels.save(made, path)


def _block_row(row: dict[str, Any]) -> tuple[str, ...]:
    kind = "no partition" if row["intervals"] is None else f"{row['intervals']} intervals in each dimension"
    return (
        f"{kind}, {row['candidates']:,} candidates",
        number(row["draws"], 0),
        number(row["kl_bits"], 2),
        number(row["residual_kl_bits"], 2),
        with_error(row["code_bits"], row["code_bits_se"], 2),
        with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
        with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"]),
        number(row["bias_mmd2"], 5),
        number(row["variance_ratio"], 3),
    )


def _block_notes(result: dict[str, Any]) -> tuple[str, ...]:
    *partitioned, _ = result["blocks"]
    exact = result["exact_mmd2"]
    return (
        *map(_ks_note, partitioned),
        f"p-values are corrected for the dimensions. MMD² of as many exact samples: {min(exact):.1e} to "
        f"{max(exact):.1e} ({len(exact)} repeats).",
        "Every sample has a target of its own, N(mean, scale), with means as data draw them; KL is their mean, and the "
        "intervals are chosen from mean KLs alone. Residual KL: what the bin leaves, KL - log2 J + H(bin), which is "
        "log2 of the candidates at which the bias begins to vanish.",
        "Code: log2 J, and the index under the zeta law with the E log2(1 + r/J) of other targets. ± is the standard "
        "error over samples; the code of a biased search is too short.",
    )


def _ks_note(row: dict[str, Any]) -> str:
    each = ", ".join(f"{value:.4f}" for value in row["ks_per_dimension"])
    return (
        f"KS per dimension with {row['intervals']} intervals: {each}; exact samples keep the largest below "
        f"{row['bias_ks_limit']:.4f} in 95% of cases."
    )


def _sweep_row(row: dict[str, Any], config: dict[str, Any]) -> tuple[str, ...]:
    last = row["tried"][-1]
    found, most = row["log2_needed"], config["sweep"]["most_candidates_log2"]
    return (
        f"{row['dimensions']}",
        f"{row['intervals']}",
        number(row["log2_bins"], 1),
        number(row["residual_kl_bits"], 2),
        f"over 2^{most}" if found is None else f"2^{found}",
        number(last["code_bits"], 2),
        with_p_value(last["bias_ks"], last["bias_ks_pvalue"]),
        with_p_value(last["bias_log_ratio_ks"], last["bias_log_ratio_pvalue"]),
    )


def _sweep_notes(config: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"Needed: the smallest power of two whose bias is not detected on {config['sweep']['samples']:,} samples: "
        "neither KS test, of the worst dimension (corrected for their number) and of the log ratio, has a p-value "
        "below 0.01. More samples detect smaller biases and would ask for more.",
        "Residual KL decides, which is computed, not measured: about 0.7 bits remain per dimension where log2 J is the "
        "KL, less where there are more intervals, at as many bits of log2 J more.",
    )


def _plot_residuals(panel: Any, result: dict[str, Any]) -> None:
    split, plain = result["blocks"][0], result["blocks"][-1]
    for row, colour, label in (
        (plain, panels.ORANGE, "no partition"),
        (split, panels.BLUE, f"{split['intervals']} intervals each"),
    ):
        panels.histogram(panel, row["histogram"], row["edges"], row["draws"] * row["dimensions"], colour, label)
    panels.normal_curve(panel, 0.0, 1.0, split["edges"], "exact")
    panels.name(
        panel,
        f"Are the samples right with {split['candidates']:,} candidates?",
        "(sample - mean) / scale of the target, all dimensions",
        "density (a histogram that fills the curve is right)",
    )
    panel.legend(frameon=False, fontsize=8)


def _plot_needed(panel: Any, rows: list[dict[str, Any]], key: str, config: dict[str, Any]) -> None:
    most = config["sweep"]["most_candidates_log2"]
    known = [row for row in rows if row["log2_needed"] is not None]
    beyond = [row for row in rows if row["log2_needed"] is None]
    panel.plot(
        [row[key] for row in known],
        [2 ** row["log2_needed"] for row in known],
        color=panels.BLUE,
        marker="s",
        label="needed (no bias detected)",
    )
    if beyond:
        style = {"color": panels.RED, "marker": "^", "linestyle": "none"}
        panel.plot([row[key] for row in beyond], [2**most] * len(beyond), label=f"more than 2^{most}", **style)
    residual = [2 ** row["residual_kl_bits"] for row in rows]
    panel.plot([row[key] for row in rows], residual, "--", color=panels.GREY, label="2^(KL that the bin leaves)")
    panel.set_xticks([row[key] for row in rows])
    panels.doublings(panel)
    top = max(most, math.ceil(max(row["residual_kl_bits"] for row in rows)))
    panel.set_ylim(0.7, 2.0 ** (top + 3))
    panel.legend(frameon=False, fontsize=8, loc="upper left")
