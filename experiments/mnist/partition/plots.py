"""Draws rates by the number of candidates, KL divergences of images, and those of blocks."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.lossless.method_names import METHOD_NAMES
from experiments.reporting import figures as panels


def label(row: dict[str, Any]) -> str:
    """Returns the name of a row's method for readers.

    Args:
        row: A row of the result.

    Returns:
        The name.
    """
    name = METHOD_NAMES[row["method"]]
    if row["candidates"] is None:
        return f"{name}, per dimension"
    return f"{name}, partitioned" if row["partition"] else name


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws rates by candidates, the KL of the latents of single images against its mean, and the KL of blocks.

    Args:
        result: The result of the experiment.
        path: The picture file to write.
    """
    made, axes = panels.figure(1, 3, (16.5, 5.0), "How does relative entropy coding of MNIST depend on the partition?")
    _plot_rates(axes[0, 0], result)
    _plot_scatter(axes[0, 1], result["kl"])
    _plot_blocks(axes[0, 2], result["kl"])
    panels.save(made, path)


def _plot_rates(panel: Any, result: dict[str, Any]) -> None:
    kinds: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in result["rows"]:
        if row["candidates"] is not None:
            kinds.setdefault((label(row), row["most_blocks"]), []).append(row)
    for (name, blocks), rows in kinds.items():
        style = "-" if "partitioned" in name else ":"
        rates = [row["payload_bits_per_dim"] / row["bound_bits_per_dim"] for row in rows]
        text = f"{name}, {blocks} block{'s' * (blocks > 1)}"
        panel.plot([row["candidates"] for row in rows], rates, style, marker="o", markersize=4, label=text)
    scalar = [row for row in result["rows"] if row["candidates"] is None]
    for place, row in enumerate(scalar):
        rate = row["payload_bits_per_dim"] / row["bound_bits_per_dim"]
        panel.axhline(rate, linestyle="--", color=panels.GREY)
        # The rates are close: labels lie on their lines side by side, so that they do not overlap.
        panel.annotate(label(row), ((place + 0.5) / len(scalar), rate), fontsize=7,
                       xycoords=("axes fraction", "data"), ha="center", va="center",
                       bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0})  # fmt: skip
    panel.set_xscale("log", base=2)
    panels.name(panel, "What do blocks and candidates bring?", "samples per block", "payload / -ELBO (lower is better)")
    panel.legend(frameon=False, fontsize=7, loc="center left", bbox_to_anchor=(0, 0.42), ncols=2)


def _plot_scatter(panel: Any, kl: dict[str, Any]) -> None:
    mean, images = np.asarray(kl["mean_bits"]), np.asarray(kl["images_bits"])
    panel.scatter(np.tile(mean, len(images)), images.ravel(), s=3, alpha=0.25, color=panels.BLUE, linewidths=0)
    top = float(mean.max()) * 1.05 + 0.1
    panel.plot([0, top], [0, top], "--", color="black", linewidth=1)
    panels.name(
        panel,
        f"Is the KL of an image that of the mean? {len(images)} test images",
        "mean KL of a latent over training images (bits)",
        "its KL for one image (bits)",
    )


def _plot_blocks(panel: Any, kl: dict[str, Any]) -> None:
    for number_, (counts, mean) in enumerate(zip(kl["block_counts"], kl["block_mean_bits"], strict=True)):
        colour = (panels.BLUE, panels.ORANGE, panels.GREEN, panels.RED)[number_ % 4]
        text = f"block {number_ + 1}, mean {mean:.1f}"
        panels.histogram(panel, counts, kl["block_edges_bits"], sum(counts), colour, text)
    title = f"How much do blocks of {kl['training_images']:,} training images hold?"
    panels.name(panel, title, "KL of a block (bits)", "density")
    panel.legend(frameon=False, fontsize=8)
