"""Renders the experiment on the stronger model as tables of rates and of the gain from latents, from its JSON."""

from typing import Any

from experiments.baselines.names import ONE_STREAM, PER_IMAGE
from experiments.mnist.context.notes import PUBLISHED_NAME, gain_notes, published_rate, rate_notes
from experiments.mnist.context.plots import NAMES, plot
from experiments.reporting.tables import ABSENT, Table, number, rounded, with_error

__all__ = ["plot", "tables"]

RATE_COLUMNS = (
    "codec",
    "access",
    "message, bits/dim",
    "message over -ELBO",
    "whole file, bits/dim",
    "file over -ELBO",
    "encode images/s",
    "decode images/s",
)
GAIN_COLUMNS = (
    "model",
    "latents",
    "active",
    "KL, bits/image",
    "-log2 p(x|z), z from the posterior",
    "with the latents",
    "-log2 p(x|0)",
    "saved by the latents",
    "-log2 p(x|z), z from the prior",
)
ACCESS = {ONE_STREAM: "one stream", PER_IMAGE: "image by image"}


def tables(result: dict[str, Any]) -> list[Table]:
    """Makes a table of every codec beside the models, and one of the terms of -ELBO with latents and without.

    Args:
        result: The result of the experiment.

    Returns:
        The tables.
    """
    return [_rates(result), _gains(result)]


def _rates(result: dict[str, Any]) -> Table:
    rows = []
    for model in result["models"]:
        name = model["name"]
        stated = with_error(model["elbo_bits_per_dim"], model["elbo_standard_error"], 4)
        exact = with_error(model["exact_bits_per_dim"], model["exact_standard_error"], 4)
        gaps = (ABSENT,) * 5
        rows += [(f"{name}: -ELBO, float", ABSENT, stated, *gaps), (f"{name}: -ELBO, exact", ABSENT, exact, *gaps)]
        rows += [_row(name, row) for row in model["rows"]]
    published = number(published_rate(), 2)
    rows.append((PUBLISHED_NAME, ACCESS[ONE_STREAM], published, *(ABSENT,) * 5))
    for row in sorted(result["baselines"], key=lambda row: (row["access"] == PER_IMAGE, row["file_bits_per_dim"])):
        rate = number(row["file_bits_per_dim"], 4)
        gaps = (ABSENT, ABSENT)
        rows.append((row["name"], ACCESS[row["access"]], *gaps, rate, ABSENT, *_speeds(row)))
    data = result["data"]
    title = (
        f"Lossless {data['name'].upper()} by VAEs with and without autoregressive pixels, {data['count']:,} test images"
    )
    return Table(title, RATE_COLUMNS, tuple(rows), rate_notes(result), "rates", (0, 1))


def _row(name: str, row: dict[str, Any]) -> tuple[str, ...]:
    cells = []
    for kind in ("bare", "file"):
        cells.append(with_error(row[f"{kind}_bits_per_dim"], row[f"{kind}_bits_per_dim_se"], 4))
        cells.append(number(100 * row[f"{kind}_overhead"], 2, "%"))
    return (f"{name}, {NAMES[row['method']]}", ACCESS[row["access"]], *cells, *_speeds(row))


def _speeds(row: dict[str, Any]) -> tuple[str, str]:
    return rounded(row["encode_images_per_second"]), rounded(row["decode_images_per_second"])


def _gains(result: dict[str, Any]) -> Table:
    rows = []
    for model in result["models"]:
        gain = model["latent_gain"]
        kinds = ("posterior", "total", "zero", "gain", "prior")
        figures = (with_error(gain[f"{kind}_bits"], gain[f"{kind}_bits_se"], 1) for kind in kinds)
        counts = (number(model["latents"], 0), number(model["active_latents"], 0), number(model["kl_bits"], 1))
        rows.append((model["name"], *counts, *figures))
    title = "Bits per image with latents and without"
    return Table(title, GAIN_COLUMNS, tuple(rows), gain_notes(result), "latents")
