"""Renders the experiment on space partitioning as tables of methods and of learned codes, from its JSON."""

from typing import Any

from experiments.mnist.partition.notes import code_notes, rate_notes
from experiments.mnist.partition.plots import label, plot
from experiments.reporting.tables import ABSENT, Table, number, with_error, with_p_value

__all__ = ["plot", "tables"]

COLUMNS = (
    "method",
    "blocks per image",
    "candidates per block",
    "payload, bits/dim",
    "payload over -ELBO",
    "whole file, bits/dim",
    "file over -ELBO",
    "code of latents, bits/image",
    "-log2 p(x|z), bits/dim",
    "bias (KS)",
    "log-ratio KS",
    "encode ms/image",
    "images per seed",
)
CODE_COLUMNS = (
    "bins",
    "indices",
    "code of latents, bits/image",
    "saved, bits/image",
    "payload, bits/dim",
    "payload over -ELBO",
    "whole file, bits/dim",
    "file over -ELBO",
)


def tables(result: dict[str, Any]) -> list[Table]:
    """Makes a table with -ELBO and a row for every method, number of blocks and candidates, and one of learned codes.

    Args:
        result: The result of the experiment.

    Returns:
        The tables; that of learned codes is left out if none were measured.
    """
    model = result["model"]
    bound = with_error(model["exact_bits_per_dim"], model["exact_standard_error"], 4)
    kl = ABSENT if model["kl_bits"] is None else f"KL {model['kl_bits']:.1f}"
    gaps = (ABSENT,) * 5
    first = ("-ELBO of all test images", ABSENT, ABSENT, bound, ABSENT, ABSENT, ABSENT, kl, *gaps)
    title = (
        f"Relative entropy coding of MNIST, each image decodable alone, {model['name']} ({model['latents']} latents)"
    )
    rates = Table(title, COLUMNS, (first, *map(_row, result["rows"])), rate_notes(result))
    return [rates, _codes(result)] if result["codes"] else [rates]


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        label(row),
        ABSENT if row["candidates"] is None else f"{row['blocks']}",
        ABSENT if row["candidates"] is None else f"{row['candidates']:,}",
        with_error(row["payload_bits_per_dim"], row["payload_bits_per_dim_se"], 4),
        _percent(row, "payload"),
        with_error(row["file_bits_per_dim"], row["file_bits_per_dim_se"], 4),
        _percent(row, "file"),
        number(row["code_bits_per_image"], 1),
        number(row["likelihood_bits_per_dim"], 4),
        with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
        with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"]),
        number(row["milliseconds_per_image"], 2),
        f"{row['images_per_seed']:,}",
    )


def _codes(result: dict[str, Any]) -> Table:
    first, rows = result["codes"][0], []
    for row in result["codes"]:
        saved = first["code_bits_per_image"] - row["code_bits_per_image"]
        rows.append(
            (
                "equal" if row["bin_code"] == "uniform" else row["bin_code"],
                row["index_code"],
                number(row["code_bits_per_image"], 2),
                ABSENT if row is first else number(saved, 2),
                with_error(row["payload_bits_per_dim"], row["payload_bits_per_dim_se"], 4),
                _percent(row, "payload"),
                with_error(row["file_bits_per_dim"], row["file_bits_per_dim_se"], 4),
                _percent(row, "file"),
            )
        )
    blocks = f"{first['blocks']} block{'s' * (first['blocks'] > 1)}"
    title = f"Learned codes of bins and indices: {label(first)}, {blocks} of {first['candidates']:,} candidates"
    return Table(title, CODE_COLUMNS, tuple(rows), code_notes(result), "codes", (0, 1))


def _percent(row: dict[str, Any], name: str) -> str:
    error = row[f"{name}_overhead_se"]
    return f"{with_error(100 * row[f'{name}_overhead'], None if error is None else 100 * error, 2)}%"
