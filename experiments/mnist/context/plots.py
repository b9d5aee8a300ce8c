"""Draws bits per pixel of every codec, and where in a digit the bits are spent, with and without context."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.baselines.names import PER_IMAGE
from experiments.lossless.method_names import METHOD_NAMES
from experiments.mnist.context.notes import PUBLISHED_NAME, published_rate
from experiments.reporting import figures as panels

NAMES = METHOD_NAMES | {"orc": "REC"}
"""Names of the methods for readers; ORC, the only method of relative entropy coding here, is called REC."""


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws bars of whole files, a digit, and its bits under each model, the plain model first.

    Args:
        result: The result of the experiment.
        path: The picture file to write.
    """
    models = result["models"][::-1]
    title = "A VAE with a context of decoded pixels, and one without"
    made, axes = panels.figure(2, 1 + len(models), (panels.WIDTH, 8.6), title, height_ratios=(1.7, 1))
    grid = axes[0, 0].get_gridspec()
    for panel in axes[0]:
        panel.remove()
    bars = made.add_subplot(grid[0, :])
    bars.spines[["top", "right"]].set_visible(False)
    digit, *maps = axes[1]
    _bars(bars, result)
    _picture(digit, np.asarray(result["digit"]), "test image", "gray_r")
    bits = [np.asarray(model["digit_bits"]) for model in models]
    top = max(float(one.max()) for one in bits)
    for panel, model, one in zip(maps, models, bits, strict=True):
        shown = _picture(panel, one, f"{model['name']}: {one.sum():,.0f} bits", "magma", top)
    made.colorbar(shown, ax=maps[-1], shrink=0.9, label="bits of a pixel")
    panels.save(made, path)


def _bars(panel: Any, result: dict[str, Any]) -> None:
    found = [(f"{one['name']}: -ELBO", one["exact_bits_per_dim"], "black") for one in result["models"]]
    for one in result["models"]:
        for row in one["rows"]:
            alone = ", image by image" if row["access"] == PER_IMAGE else ""
            colour = panels.METHODS[row["method"].replace("-", "_")]
            found.append((f"{one['name']}: {NAMES[row['method']]}{alone}", row["file_bits_per_dim"], colour))
    found.append((PUBLISHED_NAME, published_rate(), panels.RED))
    for row in result["baselines"]:
        alone = ", image by image" if row["access"] == PER_IMAGE else ""
        found.append((f"{row['name']}{alone}", row["file_bits_per_dim"], panels.OTHERS))
    found.sort(key=lambda one: one[1])
    names, rates, shades = zip(*found, strict=True)
    places = np.arange(len(found))
    panel.barh(places, rates, color=shades)
    for place, rate in zip(places, rates, strict=True):
        panel.annotate(f"{rate:.3f}", (rate, place), xytext=(3, 0), textcoords="offset points", va="center", fontsize=9)
    panel.set_yticks(places, names, fontsize=9)
    panel.invert_yaxis()
    panel.set_xlim(0, 1.15 * rates[-1])
    panels.name(panel, f"whole files of {result['data']['count']:,} images", "bits/dim (shorter is better)", "")


def _picture(panel: Any, values: np.ndarray, title: str, colours: str, top: float | None = None) -> Any:
    shown = panel.imshow(values, cmap=colours, vmin=0, vmax=top, interpolation="nearest")
    panel.set_xticks([])
    panel.set_yticks([])
    panels.name(panel, title, "", "")
    return shown
