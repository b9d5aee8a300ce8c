"""Tables as Markdown, CSV, LaTeX and on the terminal."""

import csv
import io

import numpy as np
import pytest
import rich.console

from experiments.provenance import mean, standard_error
from experiments.reporting import tables

TABLE = tables.Table("A & B", ("method", "x | y"), (("pfr_1", "1.5 ± 0.1"), ("a, b", tables.ABSENT)), ("a note",))


def test_markdown():
    assert tables.markdown(TABLE).splitlines() == [
        "**A & B**",
        "",
        r"| method | x \| y |",
        "| --- | ---: |",
        "| pfr_1 | 1.5 ± 0.1 |",
        "| a, b | - |",
        "",
        "- a note",
    ]


def test_csv_reads_back():
    assert list(csv.reader(io.StringIO(tables.comma_separated(TABLE)))) == [list(TABLE.columns), *map(list, TABLE.rows)]


def test_latex_escapes_what_latex_would_misread():
    text = tables.latex(TABLE)
    assert r"A \& B" in text and r"pfr\_1 & 1.5 $\pm$ 0.1 \\" in text
    assert tables.latex(tables.Table("~^\\", ("m",), ())).count("text") == 3


def test_terminal_shows_every_cell():
    console = rich.console.Console(width=80, record=True, file=io.StringIO())
    console.print(tables.terminal(TABLE))
    shown = console.export_text()
    assert all(text in shown for text in ("A & B", "pfr_1", "1.5 ± 0.1", "a note"))


def test_rows_have_a_cell_for_each_column():
    with pytest.raises(ValueError, match="must have 2 cells, got 1"):
        tables.Table("t", ("a", "b"), (("1",),))


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.0312, "0.031"), (3.14, "3.1"), (12.3, "12"), (1264, "1,300"), (2.04e6, "2,000,000")],
)
def test_speeds_have_two_digits(value, text):
    assert tables.rounded(value) == text


def test_figures_with_and_without_an_error():
    assert tables.with_error(1.23456, 0.01, 2) == "1.23 ± 0.01"
    assert tables.with_error(1.23456, None, 2) == "1.23"
    assert tables.with_error(None, 0.1, 2) == "-"


@pytest.mark.parametrize(
    ("distance", "p_value", "text"),
    [
        (0.215, 3e-12, "0.215 (p < 1e-6)"),
        (0.0194, 0.41, "0.019 (p 0.4)"),
        (0.03, 0.00043, "0.030 (p 0.0004)"),
        (0.03, 4.3e-6, "0.030 (p 4e-6)"),
        (0.01, 1.0, "0.010 (p 1)"),
        (0.5, 0.0, "0.500 (p < 1e-6)"),
        (None, None, "-"),
    ],
)
def test_distances_with_p_values(distance, p_value, text):
    assert tables.with_p_value(distance, p_value) == text


def test_standard_error_of_the_mean():
    values = np.array([1.0, 2.0, 4.0])
    assert mean(values) == pytest.approx(7 / 3)
    assert standard_error(values) == pytest.approx(np.std(values, ddof=1) / np.sqrt(3))
    assert standard_error([1.0]) is None


def test_how_far_a_rate_is_below_another():
    assert tables.below(1.14, 1.29) == "11.6% below" and tables.below(2.0, 1.0) == "100.0% above"
