"""Plots the experiment on partitions: steps, codelength on channels, and candidates for a small bias."""

from pathlib import Path
from typing import Any

from experiments.reporting import figures as panels
from experiments.reporting.verdicts import FLAGGED, flagged

_KINDS = (
    (False, panels.PARTITIONS["none"], "o", "no partition"),
    (True, panels.PARTITIONS["informative"], "s", "partitioned"),
)


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots three panels: steps of the exact coder, its codelength on channels, and candidates that ORC needs.

    Args:
        result: The recorded result of `experiments.synthetic.partition.run`.
        path: File of the plot.
    """
    made, axes = panels.figure(
        3, 1, (panels.WIDTH, 13.0), "Partitions into bins of equal prior mass: steps, bits and bias"
    )
    _plot_steps(axes[0, 0], result)
    _plot_code(axes[1, 0], result)
    _plot_needed(axes[2, 0], result)
    panels.save(made, path)


def needed(result: dict[str, Any], divergence: float, partitioned: bool, level: float) -> float | None:
    """Looks up the number of candidates at which the bias falls to a level.

    Args:
        result: The recorded result of `experiments.synthetic.partition.run`.
        divergence: Renyi-infinity divergence of the targets, in bits.
        partitioned: Whether the searches had a partition.
        level: The level of MMD^2, one of the config's.

    Returns:
        Logarithm (base 2) of the candidates, or None if the bias stayed above the level.
    """
    sought = (divergence, partitioned, level)
    found = (row for row in result["needed"] if (row["divergence"], row["partitioned"], row["mmd2_level"]) == sought)
    return next(found)["log2_candidates"]


def _plot_steps(panel: Any, result: dict[str, Any]) -> None:
    for kind, colour, marker, label in _KINDS:
        rows = [row for row in result["exact"] if row["partitioned"] == kind]
        x, y = [row["divergence"] for row in rows], [row["steps"] for row in rows]
        panel.plot(x, y, color=colour, marker=marker, label=label)
        _circle(panel, rows, "divergence", [row["steps"] for row in rows])
    divergences = result["config"]["divergences"]
    panel.plot(divergences, [2**d for d in divergences], "--", color=panels.GREY, linewidth=1, label="2^D_inf")
    panels.doublings(panel)
    panels.name(
        panel,
        "PFR: steps of a search",
        "log2 of the largest density ratio of target and prior, D_inf (bits)",
        "mean candidates examined (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9)


def _plot_code(panel: Any, result: dict[str, Any]) -> None:
    for kind, colour, marker, label in _KINDS:
        rows = [row for row in result["channels"] if row["partitioned"] == kind]
        if not rows:
            continue
        x = [row["information"] for row in rows]
        # Not the mean codelength itself, which varies with the mean KL of the targets that happened to be drawn.
        y = [row["information"] + row["overhead"] for row in rows]
        panel.errorbar(x, y, yerr=[row["overhead_se"] for row in rows], color=colour, marker=marker, label=label)
        style = "-." if kind else ":"
        panel.plot(
            x, [row["bound_bits"] for row in rows], style, color=colour, label=f"bound, {label} (arXiv:2405.12203)"
        )
        _circle(panel, rows, "information", y)
    ends = [0.0, max(row["information"] for row in result["channels"])]
    panel.plot(ends, ends, "--", color=panels.GREY, linewidth=1, label="mutual information, a lower bound")
    panels.name(
        panel,
        "PFR: codelength on Gaussian channels; whisker: standard error over targets",
        "mutual information I (bits)",
        "mean codelength, bits (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9)


def _plot_needed(panel: Any, result: dict[str, Any]) -> None:
    styles = ("-", "--", ":", "-.")
    for place, level in enumerate(result["config"]["approximate"]["mmd2_levels"]):
        for kind, colour, marker, label in _KINDS:
            found = [(d, needed(result, d, kind, level)) for d in result["config"]["divergences"]]
            known = [(d, 2**log2) for d, log2 in found if log2 is not None]
            style = {"color": colour, "marker": marker, "linestyle": styles[place % len(styles)], "markersize": 4}
            panel.plot([d for d, _ in known], [n for _, n in known], label=f"{label}, MMD² {level:g}", **style)
    panels.doublings(panel)
    panels.name(
        panel,
        "ORC: candidates at a given bias",
        "log2 of the largest density ratio of target and prior, D_inf (bits)",
        "candidates needed (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9)


def _circle(panel: Any, rows: list[dict[str, Any]], x: str, y: list[float]) -> None:
    """Marks the points at which a budget ended more than a share `FLAGGED` of the searches."""
    marked = [(row[x], height) for row, height in zip(rows, y, strict=True) if flagged(row)]
    if marked:
        style = {"markersize": 13, "fillstyle": "none", "linestyle": "none", "marker": "o", "color": panels.RED}
        label = f"more than {FLAGGED:.0%} of searches ended at the budget"
        known = panel.get_legend_handles_labels()[1]
        panel.plot(*zip(*marked, strict=True), label=None if label in known else label, **style)
