"""Draws bits per image by the number of images in a file, and their excess over -ELBO."""

from pathlib import Path
from typing import Any

from experiments.lossless.method_names import METHOD_NAMES
from experiments.reporting import figures as panels

NAMES = {name: METHOD_NAMES[name] for name in ("bb-ans", "bb-ans-rec")} | {"orc": "REC, each image alone"}
"""Names of the methods for readers, in the order of the tables."""


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws two panels: the size of whole files, and their excess over -ELBO.

    Args:
        result: The result of the experiment.
        path: The picture file to write.
    """
    rows, name = result["rows"], result["data"]["name"]
    title = f"Bits per image by the number of images of {name.upper()} in a file"
    made, axes = panels.figure(2, 1, (panels.WIDTH, 8.6), title)
    whole, over = axes[:, 0]
    counts = [row["count"] for row in rows]
    for method, label in NAMES.items():
        sizes = [row[method]["file_bits"] for row in rows]
        errors = [row[method]["file_bits_se"] or 0.0 for row in rows]
        style = {"color": panels.METHODS[method.replace("-", "_")], "marker": "o", "markersize": 4, "label": label}
        whole.errorbar(counts, sizes, yerr=errors, capsize=2, **style)
        over.plot(
            counts, [100 * (size / row["bound_bits"] - 1) for size, row in zip(sizes, rows, strict=True)], **style
        )
    net = [row["bb-ans"]["net_bits"] for row in rows]
    whole.plot(counts, net, color=panels.METHODS["bb_ans"], linestyle=":", label="BB-ANS, without its initial bits")
    bounds = [row["bound_bits"] for row in rows]
    whole.plot(counts, bounds, color="black", linestyle="--", linewidth=1.1, label="-ELBO of the same images")
    whole.set_ylim(0.9 * min(bounds), 1.6 * max(bounds))
    over.set_yscale("symlog", linthresh=0.1)
    over.axhline(0, color="black", linestyle="--", linewidth=1.1)
    over.yaxis.set_major_formatter(lambda value, _: f"{value:g}%")
    for panel in (whole, over):
        panel.set_xscale("log")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.legend(frameon=False, fontsize=9)
    spread = "whisker: standard error over files of different images"
    panels.name(whole, f"whole files; {spread}", "images in a file", "bits per image (lower is better)")
    panels.name(over, "whole files over -ELBO of the same images", "images in a file", "excess (lower is better)")
    panels.save(made, path)
