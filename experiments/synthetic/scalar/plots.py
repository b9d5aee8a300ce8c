"""Plots the experiment in one dimension: steps, codelength, bias, and targets too narrow for the grid."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.reporting import figures as panels
from experiments.reporting.verdicts import FLAGGED, flagged
from experiments.synthetic.coder_styles import LABELS, STYLES

_D_INF = "log2 of the largest density ratio of target and prior, D_inf (bits)"


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots six panels: steps (two), bias, codelength, overhead, and targets too narrow for the grid.

    Args:
        result: The recorded result of `experiments.synthetic.scalar.run`.
        path: File of the plot.
    """
    title = "Coders of one-dimensional Gaussian targets: steps, codelength and bias"
    made, axes = panels.figure(6, 1, (panels.WIDTH, 27.0), title)
    _plot_trees(axes[0, 0], result)
    _plot_all_steps(axes[1, 0], result)
    _plot_bias(axes[2, 0], result)
    _plot_code(axes[3, 0], result)
    _plot_overhead(axes[4, 0], result)
    _plot_grid(axes[5, 0], result)
    panels.save(made, path)


def _own(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [row for row in rows if row["coder"] == name]


def _curve(panel: Any, rows: list[dict[str, Any]], x: str, y: str, label: bool = True, line: str = "-") -> None:
    """Plots one coder's curve, with standard errors where the rows have them."""
    name = rows[0]["coder"]
    panel.errorbar(
        [row[x] for row in rows],
        [row[y] for row in rows],
        yerr=[row[f"{y}_se"] for row in rows] if f"{y}_se" in rows[0] else None,
        label=LABELS[name] if label else None,
        markersize=5,
        linewidth=1.3,
        capsize=2,
        **({"linestyle": line} | STYLES[name]),
    )


def _plot_trees(panel: Any, result: dict[str, Any]) -> None:
    fits = {fit["coder"]: fit for fit in reversed(result["fits"])}
    top = 1.0
    for name in result["config"]["coders"]:
        rows = _own(result["exact"], name)
        if name in fits:
            _curve(panel, rows, "divergence", "steps", label=False, line="none")
            fit, x = fits[name], np.array([0.0, rows[-1]["divergence"]])
            label = f"{LABELS[name]}: {fit['slope']:.2f} D_inf {fit['offset']:+.2f}, R² {fit['r_squared']:.4f}"
            panel.plot(x, fit["slope"] * x + fit["offset"], color=STYLES[name]["color"], linewidth=1.2, label=label)
            top = max(top, *(row["steps"] for row in rows))
        elif name == "pfr" and rows:
            _curve(panel, rows, "divergence", "steps", line="none")
    x = np.linspace(0, max(result["config"]["divergences"]), 200)
    panel.plot(x, 2**x, "--", color=panels.GREY, linewidth=1, label="2^D_inf")
    panel.set_ylim(0, 1.55 * top)
    panels.name(
        panel,
        "coders that descend a tree, and linear fits; whisker: standard error over targets",
        _D_INF,
        "mean steps (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9, loc="upper right")


def _plot_all_steps(panel: Any, result: dict[str, Any]) -> None:
    for name in result["config"]["coders"]:
        _curve(panel, _own(result["exact"], name), "divergence", "steps")
    x = np.array([0, max(result["config"]["divergences"])])
    panel.plot(x, 2.0**x, "--", color=panels.GREY, linewidth=1, label="2^D_inf")
    panels.doublings(panel)
    panels.name(
        panel, "steps of all coders; whisker: standard error over targets", _D_INF, "mean steps (lower is better)"
    )
    panel.legend(frameon=False, fontsize=9)


def _plot_code(panel: Any, result: dict[str, Any]) -> None:
    for name in dict.fromkeys(row["coder"] for row in result["exact"]):
        _curve(panel, _own(result["exact"], name), "divergence", "code_bits")
    rows = result["targets"]
    for figure, style, label in (("kl_bits", "--", "KL"), ("channel_bits", ":", "D_CS (bound of rejection samplers)")):
        x, y = [row["divergence"] for row in rows], [row[figure] for row in rows]
        panel.plot(x, y, style, color="black", label=label)
    panels.name(
        panel, "codelength; whisker: standard error over targets", _D_INF, "mean codelength, bits (lower is better)"
    )
    panel.legend(frameon=False, fontsize=9)


def _plot_overhead(panel: Any, result: dict[str, Any]) -> None:
    for name in dict.fromkeys(row["coder"] for row in result["exact"]):
        rows = [row | {"over": row["code_bits"] - row["kl_bits"]} for row in _own(result["exact"], name)]
        _curve(panel, [row | {"over_se": row["code_bits_se"]} for row in rows], "kl_bits", "over")
    rows = result["targets"]
    over = [row["channel_bits"] - row["kl_bits"] for row in rows]
    panel.plot([row["kl_bits"] for row in rows], over, ":", color="black", label="D_CS - KL")
    # Leaves room for the legend above the curves.
    panel.set_ylim(0, 1.35 * panel.get_ylim()[1])
    panels.name(
        panel,
        "codelength less KL; whisker: standard error over targets",
        "KL of target and prior (bits)",
        "codelength less KL, bits (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9)


def _plot_bias(panel: Any, result: dict[str, Any]) -> None:
    for name in dict.fromkeys(row["coder"] for row in result["approximate"]):
        _curve(panel, _own(result["approximate"], name), "bits", "bias_ks")
    first = result["approximate"][0]
    label = "limit of exact samples in 95% of cases"
    panel.axhline(first["bias_ks_limit"], linestyle="--", color=panels.GREY, linewidth=1, label=label)
    panel.axvline(first["kl_bits"], linestyle=":", color="black", linewidth=1, label="KL of the target")
    panel.set_yscale("log")
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.yaxis.set_minor_formatter(lambda value, _: "")
    panels.name(
        panel,
        "bias of codes of fixed length",
        "length of the code (bits)",
        "KS distance from the target (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9)


def _plot_grid(panel: Any, result: dict[str, Any]) -> None:
    for name in result["config"]["coders"]:
        rows = _own(result["grid"], name)
        if rows:
            _curve(panel, rows, "divergence", "ks")
            refused = [row for row in rows if flagged(row)]
            style = {"markersize": 12, "fillstyle": "none", "linestyle": "none", "marker": "o", "color": panels.RED}
            panel.plot([row["divergence"] for row in refused], [row["ks"] for row in refused], **style)
    panel.plot(
        [],
        [],
        "o",
        fillstyle="none",
        markersize=12,
        color=panels.RED,
        label=f"more than {FLAGGED:.0%} of searches UNSUITED",
    )
    panel.set_ylim(0.01, 1)
    label = "limit of exact samples in 95% of cases"
    for row in result["grid"][:1]:
        panel.axhline(row["ks_limit"], linestyle="--", color=panels.GREY, linewidth=1, label=label)
    panel.set_yscale("log")
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.yaxis.set_minor_formatter(lambda value, _: "")
    panels.name(
        panel, "targets that are narrow beside the 24-bit grid", _D_INF, "KS distance from the continuous target"
    )
    panel.legend(frameon=False, fontsize=9)
