"""Draws bits per pixel by model and coder: pixels and KL divergence, whose sum is -ELBO, and the coder's overhead."""

from pathlib import Path
from typing import Any

from experiments.lossless.method_names import METHOD_NAMES
from experiments.reporting import figures as panels

CODES = ("zeta", "delta", "learned")
"""Codes of depths, in the order of columns."""


def coder_name(row: dict[str, Any]) -> str:
    """Returns the name of a row's coder for readers.

    Args:
        row: A row of the result.

    Returns:
        The name.
    """
    name = METHOD_NAMES[row["method"]]
    if row["branch_code"]:
        return f"{name}, {row['branch_code']} branches"
    return name if row["max_depth"] is None else f"{name}, depth {row['max_depth']}"


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws a group of bars for each model, one for each coder.

    Whiskers lead to the rate with the most expensive code of depths.

    Args:
        result: The result of the experiment.
        path: The picture file to write.
    """
    models = result["models"]
    made, axes = panels.figure(
        1, 1, (2.4 + 1.9 * len(models), 5.2), "What do latents cost that are sent one by one? MNIST"
    )
    panel, places, labels = axes[0, 0], [], []
    for group, one in enumerate(models):
        for place, row in enumerate(one["rows"]):
            places.append(group * (len(one["rows"]) + 1) + place)
            labels.append(coder_name(row))
            _bar(panel, places[-1], one, row, label=not group and not place)
        middle = group * (len(one["rows"]) + 1) + (len(one["rows"]) - 1) / 2
        panel.annotate(one["name"], (middle, 1), xycoords=("data", "axes fraction"), ha="center", va="top", fontsize=9)
    panel.set_xticks(places, labels, rotation=60, ha="right", fontsize=7)
    highest = max(
        found["payload_bits_per_dim"] for one in models for row in one["rows"] for found in row["codes"].values()
    )
    panel.set_ylim(0, 1.15 * highest)
    panels.name(panel, "", "", "bits/dim (lower is better)")
    made.legend(loc="outside lower center", frameon=False, fontsize=8, ncols=4)
    panels.save(made, path)


def _bar(panel: Any, place: float, model: dict[str, Any], row: dict[str, Any], *, label: bool) -> None:
    rates = [row["codes"][code]["payload_bits_per_dim"] for code in CODES]
    kl = model["exact_kl_bits"] / model["pixels"]
    pixels, rate = row["likelihood_bits_per_dim"], rates[-1]
    parts = ((pixels, "#b0b0b0", "-log p(x|z) at the coded z"), (kl, panels.BLUE, "KL divergence"))
    bottom = 0.0
    for height, colour, text in (*parts, (rate - pixels - kl, panels.ORANGE, "overhead, learned code of depths")):
        panel.bar(place, height, bottom=bottom, color=colour, width=0.8, label=text if label else None)
        bottom += height
    panel.vlines(place, rate, max(rates), color="black", linewidth=0.9, label="other codes, at most" if label else None)
    panel.annotate(
        f"{rate:.3f}", (place, max(rates)), xytext=(0, 3), textcoords="offset points", ha="center", fontsize=7
    )
