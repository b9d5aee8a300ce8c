"""Renders the BB-ANS experiment as tables of rates, codecs and chains, from its JSON and the published figures."""

import json
from pathlib import Path
from typing import Any

from experiments.baselines.names import ONE_STREAM, PER_IMAGE
from experiments.mnist.bb_ans.notes import chain_notes, codec_notes, rate_notes
from experiments.mnist.bb_ans.plots import plot
from experiments.reporting.tables import Table, number, rounded, with_error

__all__ = ["plot", "tables"]

REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "bb_ans_2019.json"

NAMES = {"mnist": "full MNIST", "binary_mnist": "MNIST, thresholded", "sampled_mnist": "binarised MNIST"}
"""Names of the data sets for readers."""

PUBLISHED = {"mnist": "full MNIST", "sampled_mnist": "binarized MNIST"}
"""The data set's row in the published table."""

OWN_ROWS = (
    "raw",
    "-ELBO, float",
    "-ELBO, exact",
    "BB-ANS without initial bits (net)",
    "net over -ELBO",
    "BB-ANS, whole file",
)

FORMS = (
    *((name, ONE_STREAM) for name in ("bz2", "gzip", "xz", "zstd", "brotli")),
    *((name, PER_IMAGE) for name in ("PNG", "WebP", "JPEG XL")),
)
"""The other codecs in the table of rates, each in the form that suits it; the table of codecs has both forms."""


def tables(result: dict[str, Any]) -> list[Table]:
    """Makes tables of rates beside the published ones, of every codec in both forms, and of chains by their length.

    Args:
        result: The result of the experiment.

    Returns:
        The tables.
    """
    published = json.loads(REFERENCE.read_text(encoding="utf-8"))
    return [_rates(result, published), _codecs(result), _curve(result)]


def _rates(result: dict[str, Any], published: dict[str, Any]) -> Table:
    doubt = "" if published["status"] == "CONFIRMED" else f" ({published['status'].lower()})"
    columns, blocks = ["method"], []
    for one in result["sets"]:
        name = one["data"]["name"]
        columns += [NAMES.get(name, name), f"published{doubt}"]
        theirs = [row for row in published["rows"] if row["data"] == PUBLISHED.get(name)]
        blocks.append(list(zip(_own_cells(one), _published_cells(theirs[0] if theirs else {}), strict=True)))
    codecs = [f"{name}, {access}" for name, access in FORMS]
    labels = [*OWN_ROWS, *codecs, "encode images/s", "decode images/s"]
    cells = zip(*blocks, strict=True)
    rows = [(label, *(cell for pair in pairs for cell in pair)) for label, pairs in zip(labels, cells, strict=True)]
    return Table(_title(result), tuple(columns), tuple(rows), rate_notes(result, published), "rates")


def _own_cells(one: dict[str, Any]) -> list[str]:
    model, chain, found = one["model"], one["chain"], _by_name(one)
    return [
        number(one["data"]["raw_bits_per_dim"], 0),
        with_error(model["elbo_bits_per_dim"], model["elbo_standard_error"], 4),
        with_error(model["exact_bits_per_dim"], model["exact_standard_error"], 4),
        number(chain["net_bits_per_dim"], 4),
        number(100 * chain["overhead_after_initial_bits"], 2, "%"),
        with_error(chain["file_bits_per_dim"], chain["file_bits_per_dim_se"], 4),
        *(number(found.get(form, {}).get("file_bits_per_dim"), 2) for form in FORMS),
        rounded(chain["encode_images_per_second"]),
        rounded(chain["decode_images_per_second"]),
    ]


def _published_cells(row: dict[str, Any]) -> list[str]:
    own = [row.get("raw"), row.get("vae_minus_elbo"), None, row.get("bb_ans"), None, None]
    codecs = [row.get(name.lower().replace(" ", "_")) for name, _ in FORMS]
    raw, *rest = [*own, *codecs, None, None]
    return [number(raw, 0), *(number(value, 2) for value in rest)]


def _codecs(result: dict[str, Any]) -> Table:
    columns = ["codec"]
    for one in result["sets"]:
        name = NAMES.get(one["data"]["name"], one["data"]["name"])
        columns += [f"{name}, one stream", "per image", "encode images/s", "decode images/s"]
    names = dict.fromkeys(row["name"] for one in result["sets"] for row in one["baselines"])
    rows = [("BB-ANS", *(cell for one in result["sets"] for cell in _codec_cells(one["chain"], None)))]
    for name in names:
        cells = []
        for one in result["sets"]:
            found = _by_name(one)
            cells += _codec_cells(found.get((name, ONE_STREAM)), found.get((name, PER_IMAGE)))
        rows.append((name, *cells))
    return Table(
        "Other codecs on the same images, bits/dim", tuple(columns), tuple(rows), codec_notes(result), "codecs"
    )


def _codec_cells(stream: dict[str, Any] | None, single: dict[str, Any] | None) -> tuple[str, ...]:
    rates = [None if row is None else row["file_bits_per_dim"] for row in (stream, single)]
    speeds = [None if stream is None else stream[f"{way}_images_per_second"] for way in ("encode", "decode")]
    return (*(number(rate, 3) for rate in rates), *map(rounded, speeds))


def _curve(result: dict[str, Any]) -> Table:
    columns = ["images per file", "files"]
    for one in result["sets"]:
        columns += [f"{one['model']['name']}, file", "net", "-ELBO", "initial bits/image"]
    rows = []
    for place, first in enumerate(result["sets"][0]["curve"]):
        cells = [f"{first['count']:,}", f"{first['files']}"]
        for one in result["sets"]:
            row = one["curve"][place]
            cells += [
                with_error(row["gross_bits_per_dim"], row["gross_bits_per_dim_se"], 3),
                with_error(row["net_bits_per_dim"], row["net_bits_per_dim_se"], 3),
                number(row["ideal_bits_per_dim"], 3),
                number(row["initial_bits"] / row["count"], 1),
            ]
        rows.append(tuple(cells))
    title = "Size of a file by the length of its chain, bits/dim"
    return Table(title, tuple(columns), tuple(rows), chain_notes(result), "chain", ())


def _by_name(one: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {(row["name"], row["access"]): row for row in one["baselines"]}


def _title(result: dict[str, Any]) -> str:
    counts = sorted({one["data"]["count"] for one in result["sets"]})
    images = " and ".join(f"{count:,}" for count in counts)
    return f"Lossless MNIST through one bits-back chain, {images} test images, bits/dim"
