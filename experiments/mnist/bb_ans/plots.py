"""Draws the cost of a chain by its length, and the rates of all codecs, for each data set."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments.baselines.names import ONE_STREAM
from experiments.reporting import figures as panels


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws a row of two panels for each data set.

    Args:
        result: The result of the experiment.
        path: The picture file to write.
    """
    sets = result["sets"]
    title = "MNIST by bits-back coding (BB-ANS): length of the chain, and other codecs"
    made, axes = panels.figure(2 * len(sets), 1, (panels.WIDTH, 7.0 * len(sets)), title)
    for place, one in enumerate(sets):
        _chains(axes[2 * place, 0], one)
        _codecs(axes[2 * place + 1, 0], one)
    panels.save(made, path)


def _chains(panel: Any, one: dict[str, Any]) -> None:
    curve = one["curve"]
    counts = [row["count"] for row in curve]
    kinds = (
        ("gross", "-", "BB-ANS, whole file"),
        ("net", ":", "BB-ANS without its initial bits"),
    )
    for kind, line, label in kinds:
        values = [row[f"{kind}_bits_per_dim"] for row in curve]
        errors = [row[f"{kind}_bits_per_dim_se"] or 0.0 for row in curve]
        style = {"color": panels.METHODS["bb_ans"], "linestyle": line, "marker": "o", "markersize": 4, "capsize": 2}
        panel.errorbar(counts, values, yerr=errors, label=label, **style)
    bound = one["model"]["bound_bits_per_dim"]
    panel.axhline(bound, linestyle="--", color="black", linewidth=1.1, label=f"-ELBO: {bound:.3f}")
    best, rate = min(_streams(one), key=lambda pair: pair[1])
    panel.axhline(rate, linestyle=":", color=panels.GREY, label=f"{best}, all images in one stream: {rate:.3f}")
    panel.set_xscale("log")
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    panel.set_ylim(0, 1.05 * min(curve[0]["gross_bits_per_dim"], 4 * bound))
    panels.name(
        panel,
        f"{one['model']['name']}: files of chains; whisker: standard error over files of different images",
        "images in the chain",
        "bits/dim (lower is better)",
    )
    panel.legend(frameon=False, fontsize=9)


def _codecs(panel: Any, one: dict[str, Any]) -> None:
    pairs = sorted([*_streams(one), ("BB-ANS", one["chain"]["file_bits_per_dim"])], key=lambda pair: pair[1])
    places = np.arange(len(pairs))
    colours = [panels.METHODS["bb_ans"] if name == "BB-ANS" else panels.OTHERS for name, _ in pairs]
    panel.barh(places, [rate for _, rate in pairs], color=colours)
    for place, (_, rate) in zip(places, pairs, strict=True):
        panel.annotate(f"{rate:.3f}", (rate, place), xytext=(4, 0), textcoords="offset points", va="center", fontsize=9)
    panel.set_yticks(places, [name for name, _ in pairs], fontsize=9)
    panel.invert_yaxis()
    panel.set_xlim(0, 1.15 * pairs[-1][1])
    panels.name(
        panel,
        f"{one['model']['name']}: all {one['data']['count']:,} images in one file",
        "bits/dim (shorter is better)",
        "",
    )


def _streams(one: dict[str, Any]) -> list[tuple[str, float]]:
    return [(row["name"], row["file_bits_per_dim"]) for row in one["baselines"] if row["access"] == ONE_STREAM]
