"""Renders the result on lossless photographs, read from its JSON, as tables; the plot comes from `plots`."""

from typing import Any

from experiments.baselines.names import JPEG_XL_7, JPEG_XL_9
from experiments.lossless_pictures.names import OURS, is_comparable, published, rows_by_name
from experiments.lossless_pictures.notes import codec_notes, picture_notes, published_notes
from experiments.lossless_pictures.plots import plot
from experiments.reporting.tables import ABSENT, Table, number, rounded

__all__ = ["plot", "tables"]

CODEC_COLUMNS = (
    "codec",
    "bits per channel and pixel",
    "all files, bytes",
    f"bytes against {JPEG_XL_9}",
    f"bytes against {JPEG_XL_7}",
    "encode, megapixels/s",
    "decode, megapixels/s",
    f"encode, times the time of {JPEG_XL_7}",
    f"decode, times the time of {JPEG_XL_7}",
)
PUBLISHED_COLUMNS = ("method", "bits per channel and pixel", f"{OURS} against it", "what it is", "source")


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders the codecs, the pictures, and the published rates where they are of the same pictures.

    Args:
        result: The recorded result of `experiments.lossless_pictures.run`.

    Returns:
        Two tables or three.
    """
    return [_codecs(result), _pictures(result), *([_published(result)] if is_comparable(result) else [])]


def _codecs(result: dict[str, Any]) -> Table:
    best, rows = rows_by_name(result).get(JPEG_XL_9), []
    for row in result["rows"]:
        speeds = row["megapixels_per_second"]
        # A codec is not compared with itself.
        ratios = row["to_jpeg_xl_7"] if row["name"] != JPEG_XL_7 else None
        other = best["total_bytes"] if best and best is not row else None
        rows.append(
            (
                row["name"],
                number(row["mean_bits_per_subpixel"], 3),
                number(row["total_bytes"], 0),
                _against(row["total_bytes"], other),
                ABSENT if ratios is None else f"{100 * (ratios['bytes'] - 1):+.1f}%",
                rounded(speeds["encode"]),
                rounded(speeds["decode"]),
                ABSENT if ratios is None else rounded(ratios["encode_seconds"]),
                ABSENT if ratios is None else rounded(ratios["decode_seconds"]),
            )
        )
    return Table(_title(result), CODEC_COLUMNS, tuple(rows), codec_notes(result), "codecs")


def _title(result: dict[str, Any]) -> str:
    data, height, width = result["data"], *result["data"]["shape"][:2]
    return f"Lossless files of {data['count']} pictures of Kodak of {width}x{height} pixels, one file each"


def _pictures(result: dict[str, Any]) -> Table:
    by_name = rows_by_name(result)
    names = list(by_name)
    rows = []
    for place in range(result["data"]["count"]):
        rates = [by_name[name]["bits_per_subpixel"][place] for name in names]
        best = by_name[JPEG_XL_9]["bits_per_subpixel"][place] if JPEG_XL_9 in by_name else None
        rows.append((str(place + 1), *(number(rate, 3) for rate in rates), _against(rates[0], best)))
    head = ("picture", *names, f"{OURS} against {JPEG_XL_9}")
    return Table("Bits per channel and pixel of each picture", head, tuple(rows), picture_notes(result), "pictures", ())


def _published(result: dict[str, Any]) -> Table:
    ours = rows_by_name(result)[OURS]["mean_bits_per_subpixel"]
    rows = tuple(
        (row["method"], f"{row['rate']:g}", _against(ours, row["rate"]), row["note"] or ABSENT, row["source"])
        for row in published()["rows"]
    )
    title = "Published rates of the same 24 pictures"
    return Table(title, PUBLISHED_COLUMNS, rows, published_notes(), "published", (0, 3, 4))


def _against(own: float, other: float | None) -> str:
    return ABSENT if other is None else f"{100 * (own / other - 1):+.1f}%"
