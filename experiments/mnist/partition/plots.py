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
    made, axes = panels.figure(3, 1, (panels.WIDTH, 13.5), "Relative entropy coding of MNIST, by blocks and candidates")
    _plot_rates(axes[0, 0], result)
    _plot_scatter(axes[1, 0], result["kl"])
    _plot_blocks(axes[2, 0], result["kl"])
    panels.save(made, path)


def _plot_rates(panel: Any, result: dict[str, Any]) -> None:
    kinds: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in result["rows"]:
        if row["candidates"] is not None:
            kinds.setdefault((label(row), row["most_blocks"]), []).append(row)
    for (name, blocks), rows in kinds.items():
        rates = [row["payload_bits_per_dim"] / row["bound_bits_per_dim"] for row in rows]
        errors = [row["payload_overhead_se"] or 0.0 for row in rows]
        text = f"{name}, {blocks} block{'s' * (blocks > 1)}"
        style: dict[str, Any] = dict(panels.BLOCKS.get(blocks, {}))
        if name.startswith("PFR"):
            style["color"] = panels.METHODS["pfr"]
        if "partitioned" not in name:
            style |= {"markerfacecolor": "white", "linewidth": 0.9}
        panel.errorbar([row["candidates"] for row in rows], rates, yerr=errors, capsize=2, label=text, **style)
    scalar = [row for row in result["rows"] if row["candidates"] is None]
    for place, row in enumerate(scalar):
        rate = row["payload_bits_per_dim"] / row["bound_bits_per_dim"]
        panel.axhline(rate, linestyle="--", color=panels.METHODS[row["method"].replace("-", "_")])
        # The rates are close: labels lie on their lines side by side, so that they do not overlap.
        panel.annotate(label(row), ((place + 0.5) / len(scalar), rate), fontsize=9,
                       xycoords=("axes fraction", "data"), ha="center", va="center",
                       bbox={"facecolor": "white", "edgecolor": "none", "pad": 1.0})  # fmt: skip
    panel.set_xscale("log", base=2)
    low, high = panel.get_ylim()
    panel.set_ylim(low, high + 0.45 * (high - low))  # room for the legend
    panels.name(
        panel,
        "whisker: standard error over seeds; white: no partition",
        "candidates per block",
        "payload / -ELBO (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9, loc="upper left")


def _plot_scatter(panel: Any, kl: dict[str, Any]) -> None:
    mean, images = np.asarray(kl["mean_bits"]), np.asarray(kl["images_bits"])
    panel.scatter(np.tile(mean, len(images)), images.ravel(), s=3, alpha=0.25, color=panels.BLUE, linewidths=0)
    top = float(mean.max()) * 1.05 + 0.1
    panel.plot([0, top], [0, top], "--", color="black", linewidth=1)
    panels.name(
        panel,
        f"KL of each latent: {len(images)} test images beside the mean (line: equal)",
        "mean KL of a latent over training images (bits)",
        "KL of the latent for one image (bits)",
    )


def _plot_blocks(panel: Any, kl: dict[str, Any]) -> None:
    for number_, (counts, mean) in enumerate(zip(kl["block_counts"], kl["block_mean_bits"], strict=True)):
        colour = (panels.BLUE, panels.ORANGE, panels.GREEN, panels.RED)[number_ % 4]
        text = f"block {number_ + 1}, mean {mean:.1f} bits"
        panels.histogram(panel, counts, kl["block_edges_bits"], sum(counts), colour, text)
    title = f"KL of the blocks of {kl['training_images']:,} training images"
    panels.name(panel, title, "KL of a block (bits)", "density, 1/bits")
    panel.legend(frameon=False, fontsize=9)
