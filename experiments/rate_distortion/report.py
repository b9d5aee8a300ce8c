"""Renders the result on rate and distortion, read from its JSON, as tables; the plot comes from `plots`."""

from typing import Any

from experiments.rate_distortion.notes import notes
from experiments.rate_distortion.plots import plot
from experiments.reporting.tables import ABSENT, Table, number, with_error

__all__ = ["plot", "tables"]

OUR_COLUMNS = (
    "sent",
    "index code",
    "prior for bits/pixel",
    "bits/pixel of the archive",
    "of files of one picture",
    "PSNR, dB",
    "KL, bits/pixel",
    "blocks",
    "bits of a block: bins",
    "divergence",
    "encode, s",
    "decode, s",
)
PEER_COLUMNS = ("codec", "setting", "bits/pixel", "net of a flat picture's file", "PSNR, dB")


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
                row["way"],
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
    title = f"Implicit neural representations of {data['count']} test pictures of {data['name']}"
    return Table(title, OUR_COLUMNS, tuple(rows), notes(result), "rates")


def _peers(result: dict[str, Any]) -> Table:
    rows = []
    for name, points in result["peers"].items():
        for point in points:
            figures = (number(point[key], 3) for key in ("bits_per_pixel", "net_bits_per_pixel"))
            rows.append((name, f"{point['setting']:g}", *figures, number(point["psnr_db"], 2)))
    stated = (result["left_out"],) if result["left_out"] else ()
    explained = (
        "Each picture a file of its own. Net: less the file of a flat grey picture of the same size at the same "
        "setting, as headers are most of small files. Setting: quality, of JPEG 2000 the ratio, of JPEG XL the "
        "distance.",
    )
    return Table(
        "Other codecs on the same pictures", PEER_COLUMNS, tuple(rows) or ((ABSENT,) * 5,), (*explained, *stated),
        "peers",
    )  # fmt: skip
