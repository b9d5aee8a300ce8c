"""Plots the experiment on a large block: the samples, and the candidates needed by dimensions and by intervals."""

import math
from pathlib import Path
from typing import Any

from experiments.reporting import figures as panels
from experiments.reporting.verdicts import detected, lowest_pvalue
from experiments.synthetic.large_block.verdicts import passes

# Colours of the searches with a partition.
_COLOURS = (panels.PARTITIONS["informative"], panels.SKY, panels.INDIGO, panels.GREY)


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots three panels: standardised samples, candidates needed by dimensions, and candidates needed by intervals.

    Args:
        result: The recorded result of `experiments.synthetic.large_block.run`.
        path: File of the plot.
    """
    bits = result["config"]["bits"]
    made, axes = panels.figure(
        3,
        1,
        (panels.WIDTH, 13.0),
        f"{bits:g} bits of KL in one block, coded by ORC",
    )
    _plot_residuals(axes[0, 0], result)
    dims = result["config"]["block"]["dimensions"]
    needed = "candidates needed (lower is better)"
    by_dimensions = (
        "dimensions",
        "by the number of dimensions",
        f"dimensions that share {bits:g} bits of KL",
    )
    by_intervals = ("intervals", "by the number of intervals", f"intervals in each of {dims} dimensions")
    for panel, name, (key, title, x) in (
        (axes[1, 0], "by_dimensions", by_dimensions),
        (axes[2, 0], "by_intervals", by_intervals),
    ):
        _plot_needed(panel, result[name], key, result["config"])
        if key == "intervals":
            _plot_blocks(panel, result)
            panel.legend(frameon=False, fontsize=9, loc="lower left")
        panels.name(panel, title, x, needed)
    panels.save(made, path)


def _plot_residuals(panel: Any, result: dict[str, Any]) -> None:
    *partitioned, plain = result["blocks"]
    for row, colour in zip((plain, *partitioned), (panels.PARTITIONS["none"], *_COLOURS), strict=False):
        bins = "no partition" if row is plain else f"{row['intervals']} intervals in each dimension"
        total = row["draws"] * row["dimensions"]
        p_value = lowest_pvalue(row)
        tested = "p < 1e-6" if p_value < 1e-6 else f"p {p_value:.1g}"
        label = f"{bins}: bias {'detected' if detected(row) else 'not detected'} ({tested})"
        panels.histogram(panel, row["histogram"], row["edges"], total, colour, label, fill=row is plain)
    panels.normal_curve(panel, 0.0, 1.0, plain["edges"], "exact")
    panel.set_ylim(0, 0.75)
    panels.name(
        panel,
        f"samples found with {plain['candidates']:,} candidates, and the density of exact ones",
        "(sample - mean) / scale of the target, all dimensions",
        "density",
    )
    panel.legend(frameon=False, fontsize=9)


def _plot_needed(panel: Any, rows: list[dict[str, Any]], key: str, config: dict[str, Any]) -> None:
    most = config["sweep"]["most_candidates_log2"]
    known = [row for row in rows if row["log2_needed"] is not None]
    beyond = [row for row in rows if row["log2_needed"] is None]
    panel.plot(
        [row[key] for row in known],
        [2 ** row["log2_needed"] for row in known],
        color=panels.BLUE,
        marker="s",
        label=f"no bias detected on {config['sweep']['samples']:,} samples",
    )
    if beyond:
        style = {"color": panels.RED, "marker": "^", "linestyle": "none"}
        panel.plot([row[key] for row in beyond], [2**most] * len(beyond), label=f"more than 2^{most}", **style)
    residual = [2 ** row["residual_kl_bits"] for row in rows]
    panel.plot([row[key] for row in rows], residual, "--", color=panels.GREY, label="2^(residual KL)")
    panel.set_xticks([row[key] for row in rows])
    panels.doublings(panel)
    top = max(most, math.ceil(max(row["residual_kl_bits"] for row in rows)))
    panel.set_ylim(0.7, 2.0 ** (top + 4))
    panel.legend(frameon=False, fontsize=9, loc="upper left")


def _plot_blocks(panel: Any, result: dict[str, Any]) -> None:
    """Marks the searches of the first panel, whose bias is tested on more samples than in the sweeps."""
    for row in result["blocks"][:-1]:
        passed = passes(row, result["exact_mmd2"])
        style = {"color": panels.GREEN if passed else panels.RED, "marker": "*" if passed else "X", "markersize": 9}
        label = f"first panel, {row['draws']:,} samples: bias {'not detected' if passed else 'detected'}"
        panel.plot([row["intervals"]], [row["candidates"]], linestyle="none", label=label, **style)
