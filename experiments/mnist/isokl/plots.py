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
    """Draws a group of bars for each model, with a bar for each coder.

    A line leads from each bar to the rate with the longest of the three codes of depths.

    Args:
        result: The result of the experiment.
        path: The picture file to write.
    """
    models = result["models"]
    bars = sum(len(one["rows"]) + 1 for one in models)
    title = "MNIST, latents coded one by one: parts of the payload"
    made, axes = panels.figure(1, 1, (panels.WIDTH, 1.6 + 0.27 * bars), title)
    panel, places, labels = axes[0, 0], [], []
    for one in models:
        for row in one["rows"]:
            places.append(len(labels))
            labels.append(f"{one['name']}: {coder_name(row)}")
            _bar(panel, places[-1], one, row, label=not places[-1])
        labels.append("")
    panel.set_yticks(places, [labels[place] for place in places], fontsize=9)
    panel.invert_yaxis()
    highest = max(
        found["payload_bits_per_dim"] for one in models for row in one["rows"] for found in row["codes"].values()
    )
    panel.set_xlim(0, 1.12 * highest)
    panels.name(panel, "", "bits/dim (shorter is better)", "")
    made.legend(loc="outside lower center", frameon=False, fontsize=9, ncols=2)
    panels.save(made, path)


def _bar(panel: Any, place: float, model: dict[str, Any], row: dict[str, Any], *, label: bool) -> None:
    rates = [row["codes"][code]["payload_bits_per_dim"] for code in CODES]
    kl = model["exact_kl_bits"] / model["pixels"]
    pixels, rate = row["likelihood_bits_per_dim"], rates[-1]
    parts = ((pixels, panels.OTHERS, "-log2 p(x|z) at the coded z"), (kl, panels.BLUE, "KL divergence"))
    left = 0.0
    for height, colour, text in (
        *parts,
        (rate - pixels - kl, panels.ORANGE, "overhead with the learned code of depths"),
    ):
        panel.barh(place, height, left=left, color=colour, height=0.8, label=text if label else None)
        left += height
    words = "line to the rate with the longest of the three codes" if label else None
    panel.hlines(place, rate, max(rates), color="black", linewidth=0.9, label=words)
    panel.annotate(
        f"{rate:.3f}", (max(rates), place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=9
    )
