"""Renders the cost of exact arithmetic as a table and a plot, from the JSON."""

import statistics
from pathlib import Path
from typing import Any

from experiments.lossless.method_names import METHOD_NAMES
from experiments.reporting import figures
from experiments.reporting.tables import ABSENT, Table, machine, rounded

WAYS = {"encode": "encoding", "decode": "decoding"}


def loss(row: dict[str, Any]) -> float:
    """Returns the excess of the exact file's bytes over the float file's, as a share of the latter.

    Args:
        row: A row of the result.

    Returns:
        The share; negative if the exact file is smaller.
    """
    return row["file_bytes"]["exact"] / row["file_bytes"]["float"] - 1


def tables(result: dict[str, Any]) -> list[Table]:
    """Makes a table with a row for each model and method.

    Args:
        result: The result of the experiment.

    Returns:
        The table.
    """
    rows = []
    for row in result["rows"]:
        speeds = (f"{rounded(row['images_per_second'][name][way])}" for way in WAYS for name in ("exact", "float"))
        times = (_times(row["exact_takes_times"][way]) for way in WAYS)
        rows.append(
            (
                row["name"],
                _method(row),
                f"{row['bits_per_dim']['exact']:.4f}",
                f"{row['bits_per_dim']['float']:.4f}",
                f"{100 * loss(row):+.2f}%",
                _converted(row),
                *speeds,
                *times,
            )
        )
    head = (
        "model", "method", "bits/dim, exact", "bits/dim, float", "file size, exact over float",
        "-ELBO, exact over float", "encode images/s, exact", "encode images/s, float", "decode images/s, exact",
        "decode images/s, float", "encoding time, exact / float", "decoding time, exact / float",
    )  # fmt: skip
    config, device = result["config"], result["device"]
    losses = [loss(row) for row in result["rows"]]
    slowest = max(statistics.median(row["exact_takes_times"][way]) for row in result["rows"] for way in WAYS)
    notes = (
        f"Largest excess of the exact file's size over the float file's: {100 * max(losses):+.2f}%; largest ratio of "
        f"times: {slowest:.2f}.",
        f"Whole files of {_images(config)} test images, which were read back, decoded and compared. Exact: networks in "
        "integers, as in every recjax file. Float: the same weights, with products and activations in 32-bit floats. "
        "-ELBO: as the model's card states it, of the trained network and of the integers that were made of it. Files "
        "of ORC also differ as their searches do.",
        f"Times: medians of n = {config['rounds']} rounds of both in turn; the brackets hold the smallest and the "
        f"largest ratio of a round; on {device['cpu_cores']} CPU cores ({machine(device)}).",
    )
    return [
        Table(
            "Networks in integers and in floats: size and time of files", head, tuple(rows), notes, "arithmetic", (0, 1)
        )
    ]


def _images(config: dict[str, Any]) -> str:
    return " and ".join(
        f"{count:,} ({METHOD_NAMES[name]})" for name, count in zip(config["methods"], config["images"], strict=True)
    )


def _method(row: dict[str, Any]) -> str:
    return METHOD_NAMES[row["method"]]


def _times(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _converted(row: dict[str, Any]) -> str:
    if row["stated_exact"] is None or row["stated_float"] is None:
        return ABSENT
    return f"{100 * (row['stated_exact'] / row['stated_float'] - 1):+.3f}%"


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws images per second of both arithmetics.

    Args:
        result: The result of the experiment.
        path: The picture file to write.
    """
    rows = result["rows"]
    size = (figures.WIDTH, 1.8 + 0.5 * len(rows))
    figure, panels = figures.figure(1, len(WAYS), size, "Networks in integers and in floats", sharey=True)
    kinds = {"exact": (figures.OURS, "integers (exact)"), "float": (figures.OTHERS, "32-bit floats")}
    for panel, (way, label) in zip(panels[0], WAYS.items(), strict=True):
        for shift, (name, (colour, words)) in enumerate(kinds.items()):
            rates = [row["images_per_second"][name][way] for row in rows]
            places = [place + 0.4 * shift for place in range(len(rows))]
            bars = panel.barh(places, rates, 0.4, color=colour, label=words)
            panel.bar_label(bars, [rounded(rate) for rate in rates], padding=3, fontsize=9)
        panel.set_xlabel(f"{label}, images per second\n(longer is better)")
        panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
        panel.locator_params(axis="x", nbins=5)
        panel.margins(x=0.22)
        panel.set_yticks(
            [place + 0.2 for place in range(len(rows))], [f"{row['name']},\n{_method(row)}" for row in rows]
        )
    panels[0, 0].invert_yaxis()
    figure.legend(*panels[0, 0].get_legend_handles_labels(), loc="outside lower center", ncols=2, frameon=False)
    figures.save(figure, path)
