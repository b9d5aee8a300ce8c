"""Renders the quickstart's result as a table of rates, a table of biases and a plot, from its JSON."""

import math
from pathlib import Path
from typing import Any

import numpy as np

from experiments.baselines.names import ONE_STREAM, PER_IMAGE
from experiments.quickstart.notes import bias_notes, rate_notes
from experiments.reporting import plots
from experiments.reporting.tables import ABSENT, Table, number, rounded, with_error, with_p_value

COLUMNS = (
    "method",
    "one stream, bits/dim",
    "image by image, bits/dim",
    "ideal, bits/dim",
    "file over -ELBO",
    "code of latents, bits/image",
    "encode images/s",
    "decode images/s",
    "bias (KS)",
)

BIAS_COLUMNS = ("method", "log-ratio KS", "MMD²")

WORDS = {ONE_STREAM: "one stream", PER_IMAGE: "image by image"}
"""Names of the two forms in the plot, which has no notes to explain them."""


def tables(result: dict[str, Any]) -> list[Table]:
    """Makes the tables of rates and of biases.

    The rows of rates are -ELBO of the model, then the recjax files, then the general-purpose codecs. The rows of biases
    are the methods that search.

    Args:
        result: The result of the experiment.

    Returns:
        The tables; that of biases is left out if no method searches.
    """
    bound = result["model"]
    first = ("-ELBO of the VAE", ABSENT, ABSENT)
    first += (with_error(bound["minus_elbo_bits_per_dim"], bound["minus_elbo_bits_per_dim_se"], 3), ABSENT)
    first += (f"KL {number(bound['kl_bits_per_image'], 1)}", ABSENT, ABSENT, ABSENT)
    rows = [first, *map(_method_row, result["methods"]), *_baseline_rows(result["baselines"])]
    shown = [Table(_title(result), COLUMNS, tuple(rows), rate_notes(result))]
    biased = tuple(_bias_row(row) for row in result["methods"] if row["bias_ks"] is not None)
    if biased:
        shown.append(
            Table("Bias of the samples, all latents together", BIAS_COLUMNS, biased, bias_notes(result), "bias")
        )
    return shown


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws bits per pixel of every method, split into pixels, latent code and the file's own parts.

    Args:
        result: The result of the experiment.
        path: The picture file to write.
    """
    data = result["data"]
    bars = []
    for row in result["methods"]:
        bars.append(plots.Bar(f"recjax {row['label']} ({WORDS[row['access']]})", parts_of(row, data["pixels"])))
    streams = [row for row in result["baselines"] if row["access"] == ONE_STREAM]
    for row in sorted(streams, key=lambda row: row["file_bits_per_dim"]):
        bars.append(plots.Bar(f"{row['name']} (one stream)", (row["file_bits_per_dim"],), plain=True))
    examples = data["examples"]
    pictures = np.frombuffer(bytes.fromhex(examples["hex"]), np.uint8).reshape(examples["shape"])
    plots.stacked_bars(
        path,
        bars,
        parts=(
            "pixels given the latents, -log2 p(x|z)",
            "code of the latents",
            "header, directory, initial bits",
        ),
        plain_label="general-purpose codecs",
        line=(result["model"]["minus_elbo_bits_per_dim"], "-ELBO of the model"),
        title=f"{data['count']} images of handwritten digits, lossless",
        axis=f"bits per pixel (shorter is better; uncompressed: 8, or {math.log2(data['levels']):.2f} as grey levels)",
        pictures=pictures,
        levels=data["levels"],
    )


def parts_of(row: dict[str, Any], pixels: int) -> tuple[float, float, float]:
    """Splits the rate of a file into the costs of pixels, of the latent code and of the file's own parts.

    Args:
        row: The row of a method.
        pixels: The number of pixels of all images in the file.

    Returns:
        The three parts in bits per pixel, whose sum is the rate of the file.
    """
    total, seen, code = (row[f"{name}_bits_per_dim"] for name in ("file", "likelihood", "code"))
    if row["access"] == PER_IMAGE:
        return seen, code, total - seen - code
    # The ideal bits of a chain are measured at fresh draws of the latents, not at those in the file. By chance they may
    # exceed the file less its container and initial bits. Then these two are drawn in full, and the rest is shared
    # between pixels and latent code in proportion to their ideal bits.
    known = row["container_bits_per_dim"] + row["initial_bits"] / pixels
    own = max(total - seen - code, known)
    share = (total - own) / (seen + code)
    return share * seen, share * code, own


def _title(result: dict[str, Any]) -> str:
    data = result["data"]
    height, width = data["shape"]
    pixels = f"{height}x{width} pixels, {data['levels']} grey levels"
    return f"{data['count']} {data['split']} images of {data['name']}, {pixels}, lossless"


def _method_row(row: dict[str, Any]) -> tuple[str, ...]:
    size = with_error(row["file_bits_per_dim"], row["file_bits_per_dim_se"], 3)
    whole, single = (size, ABSENT) if row["access"] == ONE_STREAM else (ABSENT, size)
    return (
        row["label"],
        whole,
        single,
        with_error(row["ideal_bits_per_dim"], row["ideal_bits_per_dim_se"], 3),
        number(100 * row["overhead"], 1, "%"),
        number(row["code_bits_per_image"], 1),
        rounded(row["encode_images_per_second"]),
        rounded(row["decode_images_per_second"]),
        with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
    )


def _bias_row(row: dict[str, Any]) -> tuple[str, ...]:
    log_ratio = with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"])
    return row["label"], log_ratio, number(row["bias_mmd2"], 5)


def _baseline_rows(rates: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """Makes a row for each codec; speeds are those of the one stream, the faster form."""
    by_name: dict[str, dict[str, dict[str, Any]]] = {}
    for rate in rates:
        by_name.setdefault(rate["name"], {})[rate["access"]] = rate
    rows = []
    for name, forms in by_name.items():
        whole, single = forms[ONE_STREAM], forms[PER_IMAGE]
        sizes = (number(whole["file_bits_per_dim"], 3), number(single["file_bits_per_dim"], 3))
        speeds = (rounded(whole["encode_images_per_second"]), rounded(whole["decode_images_per_second"]))
        rows.append((name, *sizes, ABSENT, ABSENT, ABSENT, *speeds, ABSENT))
    return rows
