"""Renders the result on rate and distortion, read from its JSON, as tables; the plot comes from `plots`."""

from typing import Any

from experiments.rate_distortion.notes import name_of, notes
from experiments.rate_distortion.plots import plot
from experiments.reporting.tables import ABSENT, Table, number, with_error

__all__ = ["plot", "tables"]

OUR_COLUMNS = (
    "method",
    "index code",
    "rate the prior was trained for, bits/pixel",
    "one file, bits/pixel",
    "one file per picture, bits/pixel",
    "PSNR, dB",
    "KL, bits/pixel",
    "blocks per picture",
    "log2 of the bins of a block",
    "KL of a block, bits",
    "encode all, s",
    "decode all, s",
)
PEER_COLUMNS = ("codec", "setting", "bits/pixel", "net bits/pixel", "PSNR, dB")


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders our files by way, code and prior, and the other codecs at each setting.

    Args:
        result: The recorded result of `experiments.rate_distortion.run`.

    Returns:
        Two tables.
    """
    return [_ours(result), _peers(result)]


def _ours(result: dict[str, Any]) -> Table:
    rows = []
    for row in result["rows"]:
        levels = (
            " + ".join(f"{x:,.0f}" for x in row["blocks"]),
            " / ".join(number(x, 1) for x in row["bin_bits"]),
            " / ".join(number(x, 1) for x in row["block_kl_bits"]),
        )
        rates = (number(row["bits_per_pixel"], 3), number(row["alone_bits_per_pixel"], 3))
        quality = with_error(row["psnr_db"], row["psnr_se"], 2)
        times = (number(row["encode_seconds"], 0), number(row["decode_seconds"], 1))
        rows.append(
            (
                name_of(row["way"]),
                row["index_code"],
                number(result["model"]["rates"][row["prior"]], 2),
                *rates,
                quality,
                number(row["kl_bits_per_pixel"], 3),
                *levels,
                *times,
            )
        )
    data = result["data"]
    title = f"Implicit neural representations of {data['count']} test pictures of {name_of(data['name'])}"
    return Table(title, OUR_COLUMNS, tuple(rows), notes(result), "rates")


def _peers(result: dict[str, Any]) -> Table:
    rows = []
    for name, points in result["peers"].items():
        for point in points:
            figures = (number(point[key], 3) for key in ("bits_per_pixel", "net_bits_per_pixel"))
            rows.append((name, f"{point['setting']:g}", *figures, number(point["psnr_db"], 2)))
    stated = (result["left_out"],) if result["left_out"] else ()
    explained = (
        "One file per picture. Net: without the bytes of a file of a uniformly grey picture of the same size and "
        "setting, as headers are the larger part of small files. Setting: quality; for JPEG 2000 the compression "
        "ratio, for JPEG XL the distance.",
    )
    return Table(
        "Other codecs on the same pictures", PEER_COLUMNS, tuple(rows) or ((ABSENT,) * 5,), (*explained, *stated),
        "peers",
    )  # fmt: skip
