"""Plots the experiment on overheads: bits in one dimension and in many, and steps in many dimensions."""

from pathlib import Path
from typing import Any

from experiments.reporting import figures as panels
from experiments.reporting.verdicts import FLAGGED, flagged
from experiments.synthetic.coder_styles import CODED, LABELS, STYLES

_BITS = "mutual information I of the channel (bits)"
_OVER = "mean codelength less KL, bits (lower is better)"
_BOUNDS = (
    ("functional", ":", "log2(I+1) + 4, sufficient (arXiv:1701.02827, recalled)"),
    ("ring_toss", "-.", "log2(I+1) + 2.45, sufficient (arXiv:2604.23076)"),
    ("channel_overhead", "--", "E[D_CS] - I, lower bound (arXiv:2501.14053)"),
)
# Left out, as its codelengths with uncoded branches are close to those of AS* and GPRS.
_LEFT_OUT = ("grc_sample",)
_APPROXIMATE = " (approximate, smallest\nsize without a detected bias)"


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots three panels with a common legend: overhead in one dimension, overhead in many, and steps in many.

    Args:
        result: The recorded result of `experiments.synthetic.overhead.run`.
        path: File of the plot.
    """
    made, axes = panels.figure(3, 1, (panels.WIDTH, 16.0), "Coders on Gaussian channels: codelength and steps")
    each = result["config"]["per_dim_bits"]
    _plot_overhead(axes[0, 0], result["one"], "one dimension; whisker: standard error over targets")
    _plot_overhead(axes[1, 0], result["many"], f"I / {each} dimensions of {each} bits each")
    _plot_steps(axes[2, 0], result["many"], f"steps of the searches, I / {each} dimensions of {each} bits each")
    entries = {}
    for panel in axes.flat:
        handles, labels = panel.get_legend_handles_labels()
        entries |= dict(zip(labels, handles, strict=True))
    made.legend(entries.values(), entries, loc="outside lower center", ncols=3, fontsize=9, frameon=False)
    panels.save(made, path)


def _coders(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    names = (name for name in dict.fromkeys(r["coder"] for r in rows) if name not in _LEFT_OUT)
    return {name: [row for row in rows if row["coder"] == name] for name in names}


def _curve(panel: Any, rows: list[dict[str, Any]], figure: str, errors: bool = True) -> None:
    name = rows[0]["coder"]
    x, y = ([row[key] for row in rows] for key in ("information", figure))
    error = [row[f"{figure}_se"] for row in rows] if errors else None
    label = LABELS[name] + (_APPROXIMATE if "size_log2" in rows[0] else "")
    panel.errorbar(x, y, yerr=error, label=label, markersize=6, linewidth=1.3, capsize=2, **STYLES[name])
    marked = [row for row in rows if flagged(row)]
    if marked:
        style = {"markersize": 13, "fillstyle": "none", "linestyle": "none", "marker": "o", "color": panels.RED}
        label = f"over {FLAGGED:.0%} of targets: a search ended\nat its budget or UNSUITED"
        panel.plot([row["information"] for row in marked], [row[figure] for row in marked], label=label, **style)


def _plot_overhead(panel: Any, rows: list[dict[str, Any]], title: str) -> None:
    by_coder = _coders(rows)
    for own in by_coder.values():
        _curve(panel, own, "zeta_overhead")
    known = {row["information"]: row for row in rows}
    x = sorted(known)
    for bound, style, label in _BOUNDS:
        panel.plot(x, [known[amount][bound] for amount in x], style, color="black", linewidth=1.1, label=label)
    panel.set_ylim(bottom=0)
    panel.set_xticks(x)
    panels.name(panel, title, _BITS, _OVER)


def _plot_steps(panel: Any, rows: list[dict[str, Any]], title: str) -> None:
    for own in _coders([row for row in rows if not row["coder"].endswith(CODED)]).values():
        _curve(panel, own, "steps_median", errors=False)
    panel.set_xticks(sorted({row["information"] for row in rows}))
    panels.doublings(panel)
    panels.name(panel, title, _BITS, "median candidates examined (lower is better)")
