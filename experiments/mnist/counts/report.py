"""Renders the experiment on the number of images in a file as tables and a plot, from its JSON."""

from typing import Any

from experiments.mnist.counts.notes import notes, table_notes
from experiments.mnist.counts.plots import NAMES, plot
from experiments.reporting.tables import ABSENT, Table, number, rounded, with_error

__all__ = ["plot", "tables"]

SHOWN = (1, 10, 100, 1000, 10000)
"""The counts that are columns of the first table, if they were measured; the largest count is always one."""


def tables(result: dict[str, Any]) -> list[Table]:
    """Makes a table of whole files at selected counts, and one of all figures of every count, in bits per image.

    Args:
        result: The result of the experiment.

    Returns:
        The tables.
    """
    return [_counts(result), _curve(result)]


def _counts(result: dict[str, Any]) -> Table:
    rows = [row for row in result["rows"] if row["count"] in SHOWN or row is result["rows"][-1]]
    columns = ("method", *(f"{row['count']:,} image{'s' * (row['count'] > 1)}" for row in rows))
    columns = (*columns, "encode images/s", "decode images/s")
    cells = [("-ELBO of these images", *(_cell(row, "bound") for row in rows), ABSENT, ABSENT)]
    for method, name in NAMES.items():
        speed = result["speeds"][method]
        speeds = (rounded(speed["encode_images_per_second"]), rounded(speed["decode_images_per_second"]))
        cells.append((name, *(_cell(row[method], "file") for row in rows), *speeds))
        if method == "bb-ans":
            net = (_cell(row[method], "net") for row in rows)
            cells.append((f"{name}, without its initial bits", *net, ABSENT, ABSENT))
    for method, name in NAMES.items():
        bare = (_cell(row[method], "message") for row in rows)
        cells.append((f"{name}, without header, directory, checksum", *bare, ABSENT, ABSENT))
    return Table(_title(result), columns, tuple(cells), notes(result), "counts")


def _curve(result: dict[str, Any]) -> Table:
    columns = ["images per file", "files", "-ELBO"]
    for name in NAMES.values():
        columns += [f"{name}, file", "over -ELBO"]
    columns += ["initial bits", "images sent by REC", "lanes"]
    rows = []
    for row in result["rows"]:
        cells = [f"{row['count']:,}", f"{row['runs']}", _cell(row, "bound")]
        for method in NAMES:
            size = row[method]["file_bits"]
            cells += [_cell(row[method], "file"), number(100 * (size / row["bound_bits"] - 1), 2, "%")]
        start = row["bb-ans-rec"]
        lanes = f"{row['bb-ans']['lanes']} and {start['lanes']}"
        cells += [number(row["bb-ans"]["initial_bits"], 0), number(start["rec_images"], 1), lanes]
        rows.append(tuple(cells))
    title = "Bits per image by the number of images in a file, every count"
    return Table(title, tuple(columns), tuple(rows), table_notes(result), "curve", ())


def _cell(row: dict[str, Any], name: str) -> str:
    return with_error(row[f"{name}_bits"], row[f"{name}_bits_se"], 1)


def _title(result: dict[str, Any]) -> str:
    data = result["data"]
    images = f"{data['split']} images of {data['name'].upper()}"
    return f"Bits per image of whole files, by the number of images in a file: {images}"
