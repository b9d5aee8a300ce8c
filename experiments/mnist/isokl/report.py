"""Renders the experiment on IsoKL VAEs as tables of coders and models, from its JSON, beside a published table."""

import json
from pathlib import Path
from typing import Any

from experiments.mnist.isokl.notes import coder_notes, model_notes, verdicts
from experiments.mnist.isokl.plots import CODES, coder_name, plot
from experiments.reporting.tables import ABSENT, Table, number, with_error, with_p_value

__all__ = ["plot", "tables"]

REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "grc_2023_mnist.json"

MODEL_COLUMNS = (
    "model",
    "latents in training",
    "latents kept",
    "active latents",
    "-ELBO, float",
    "-ELBO, exact, of the coded images",
    "KL, bits/image",
    "KL, bits/latent",
    "-log p(x|z), bits/dim",
)
CODER_COLUMNS = (
    "model",
    "coder",
    "zeta code",
    "zeta over -ELBO",
    "delta code",
    "delta over -ELBO",
    "learned code",
    "learned over -ELBO",
    "code over KL, bits/latent",
    "whole file, bits/dim",
    "steps/latent",
    "encode ms/image",
    "decode ms/image",
    "inexact searches",
    "bias (KS)",
    "log-ratio KS",
)


def tables(result: dict[str, Any]) -> list[Table]:
    """Makes tables of the coders of every model, of the models, and of published figures of similar models.

    Args:
        result: The result of the experiment.

    Returns:
        The tables.
    """
    published = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return [_coders(result), _models(result), _published(published)]


def _coders(result: dict[str, Any]) -> Table:
    rows = tuple(_coder_row(model, row) for model in result["models"] for row in model["rows"])
    images = f"{result['images']:,} test images of {result['data']['name'].upper()}"
    title = f"Latents coded one by one, {images}, payload in bits/dim"
    return Table(title, CODER_COLUMNS, rows, (*verdicts(result), *coder_notes(result)), "coders", (0, 1))


def _coder_row(model: dict[str, Any], row: dict[str, Any]) -> tuple[str, ...]:
    rates: list[str] = []
    for code in CODES:
        found = row["codes"][code]
        error = found["overhead_se"]
        over = with_error(100 * found["overhead"], None if error is None else 100 * error, 2)
        rates += [number(found["payload_bits_per_dim"], 4), f"{over}%"]
    best = row["codes"][CODES[-1]]
    return (
        model["name"],
        coder_name(row),
        *rates,
        number(best["over_kl_bits_per_latent"], 2),
        number(best["file_bits_per_dim"], 4),
        number(row["steps"], 1),
        number(row["encode_milliseconds"], 2),
        number(row["decode_milliseconds"], 2),
        f"{row['exhausted'] + row['unsuited']:,} of {row['searches']:,}",
        with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
        with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"]),
    )


def _models(result: dict[str, Any]) -> Table:
    rows = tuple(
        (
            one["name"],
            f"{one['trained_latents']}",
            f"{one['latents']}",
            f"{one['exact_active_latents']}",
            with_error(one["elbo_bits_per_dim"], one["elbo_standard_error"], 4),
            with_error(one["exact_bits_per_dim"], one["exact_standard_error"], 4),
            number(one["exact_kl_bits"], 1),
            number(one["exact_kl_bits"] / one["latents"], 2),
            number(one["exact_likelihood_bits_per_dim"], 4),
        )
        for one in result["models"]
    )
    return Table("Models, -ELBO in bits/dim", MODEL_COLUMNS, rows, model_notes(result), "models")


def _published(published: dict[str, Any]) -> Table:
    label = f"{published['status'].lower()} ({published['confirmed_in']})"
    columns = ("training objective", "latents", "zeta code", "delta code", "-ELBO", "delta code over -ELBO")
    rows = tuple(
        (
            row["objective"],
            f"{row['latents']}",
            *(number(row.get(name), 3) for name in ("zeta", "delta", "minus_elbo", "overhead_delta")),
        )
        for row in published["rows"]
    )
    notes = (f"{published['source']}: {published['title']}. Status: {label}.", published["note"])
    return Table(
        f"Published figures of similar models, {label}, bits/dim", columns, rows or ((ABSENT,) * 6,), notes, "published"
    )
