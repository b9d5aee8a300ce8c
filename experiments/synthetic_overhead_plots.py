"""The plot of overheads: one dimension, many dimensions, and what the searches in many dimensions cost."""

from pathlib import Path
from typing import Any

from experiments import panels
from experiments.coder_styles import CODED, LABELS, STYLES

_BITS = "mutual information I of the channel (bits)"
_OVER = "mean codelength less KL, bits (lower is better)"
_BOUNDS = (
    ("functional", ":", "log2(I+1) + 4, suffices\n(arXiv:1701.02827, recalled)"),
    ("ring_toss", "-.", "log2(I+1) + 2.45, suffices\n(arXiv:2604.23076)"),
    ("channel_overhead", "--", "E[D_CS] - I, lower bound\n(arXiv:2501.14053)"),
)


def plot(result: dict[str, Any], path: Path) -> None:
    """Three panels of questions."""
    made, axes = panels.figure(1, 3, (17.5, 6.4), "How many bits beyond the KL does a sample cost?")
    _plot_overhead(axes[0, 0], result["one"], "One dimension that carries all of I")
    each = result["config"]["per_dim_bits"]
    _plot_overhead(axes[0, 1], result["many"], f"I spread over I / {each} dimensions of {each} bits each")
    _plot_steps(axes[0, 2], result["many"], f"What do the searches cost, in I / {each} dimensions?")
    panels.save(made, path)


def _coders(rows: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [row for row in rows if row["coder"] == name] for name in dict.fromkeys(r["coder"] for r in rows)}


def _curve(panel: Any, rows: list[dict[str, Any]], figure: str) -> None:
    name = rows[0]["coder"]
    x, y, error = ([row[key] for row in rows] for key in ("information", figure, f"{figure}_se"))
    panel.errorbar(x, y, yerr=error, label=LABELS[name], markersize=6, linewidth=1.3, capsize=2, **STYLES[name])


def _plot_overhead(panel: Any, rows: list[dict[str, Any]], title: str) -> None:
    by_coder = _coders(rows)
    for own in by_coder.values():
        _curve(panel, own, "zeta_overhead")
    all_targets = max(by_coder.values(), key=len)
    x = [row["information"] for row in all_targets]
    for bound, style, label in _BOUNDS:
        panel.plot(x, [row[bound] for row in all_targets], style, color="black", linewidth=1.1, label=label)
    panel.set_ylim(bottom=0)
    panel.set_xticks(x)
    panels.name(panel, title, _BITS, _OVER)
    panel.legend(frameon=False, fontsize=8, loc="upper left")


def _plot_steps(panel: Any, rows: list[dict[str, Any]], title: str) -> None:
    for own in _coders([row for row in rows if not row["coder"].endswith(CODED)]).values():
        _curve(panel, own, "steps")
    panel.set_xticks(sorted({row["information"] for row in rows}))
    panels.doublings(panel)
    panels.name(panel, title, _BITS, "mean samples examined (lower is better)")
    panel.legend(frameon=False, fontsize=8, loc="upper left")
