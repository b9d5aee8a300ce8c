"""Renders a table of strings as Markdown, CSV, LaTeX and on the terminal."""

import csv
import io
import re
from dataclasses import dataclass
from typing import Any

import rich.console
import rich.table
import rich.text

ABSENT = "-"


@dataclass(frozen=True)
class Table:
    """Holds rows of cells under column heads, with notes below; text between backticks is code.

    Attributes:
        title: The title.
        columns: The column heads.
        rows: The rows, with one cell for each column.
        notes: Sentences below the table.
        name: The stem of the names of the files that the table is written to.
        prose: The indices of the columns that hold words and are aligned left; the others hold figures.

    Raises:
        ValueError: A row does not have one cell for each column.
    """

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()
    name: str = "table"
    prose: tuple[int, ...] = (0,)

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"a row of {self.title!r} must have {len(self.columns)} cells, got {len(row)} in {row}; "
                    "give one for each column."
                )


def number(value: float | None, decimals: int, suffix: str = "") -> str:
    """Formats a figure with fixed decimals and thousands separators.

    Args:
        value: The figure, or None if it is unknown.
        decimals: The number of decimals.
        suffix: Text appended to the figure, such as a unit.

    Returns:
        The text, ABSENT for None.
    """
    return ABSENT if value is None else f"{value:,.{decimals}f}{suffix}"


def with_error(value: float | None, error: float | None, decimals: int) -> str:
    """Formats a figure together with its standard error, if it has one.

    Args:
        value: The figure, or None if it is unknown.
        error: The standard error, or None.
        decimals: The number of decimals of both.

    Returns:
        The text, ABSENT if the figure is None.
    """
    text = number(value, decimals)
    return text if value is None or error is None else f"{text} ± {number(error, decimals)}"


def rounded(value: float | None) -> str:
    """Formats a rate such as images per second to two significant digits, since more would not repeat.

    Args:
        value: The rate, or None if it is unknown.

    Returns:
        The text, ABSENT for None.
    """
    if value is None:
        return ABSENT
    return f"{float(f'{value:.2g}'):,.0f}" if value >= 10 else f"{value:.2g}"


def machine(device: dict[str, Any]) -> str:
    """Describes the machine of a result and its vector instructions in words.

    Args:
        device: The entry `device` of a result.

    Returns:
        The description.
    """
    return f"{device['machine']}, {device.get('vectors', 'unknown')} vectors"


def below(rate: float, other: float) -> str:
    """Says in words how far a rate is below or above another one.

    Args:
        rate: The rate.
        other: The rate that it is compared with.

    Returns:
        Text such as "3.1% below".
    """
    share = 100 * (1 - rate / other)
    return f"{abs(share):.1f}% {'below' if share >= 0 else 'above'}"


def with_p_value(distance: float | None, p_value: float | None) -> str:
    """Formats a test's distance and its p-value to one digit, as in `0.019 (p 0.4)`.

    Args:
        distance: The distance, or None if there was no test.
        p_value: The p-value, or None; values below 1e-6 are all written `< 1e-6`.

    Returns:
        The text, ABSENT if there was no test.
    """
    if distance is None or p_value is None:
        return ABSENT
    return f"{number(distance, 3)} (p {'< 1e-6' if p_value < 1e-6 else _one_digit(p_value)})"


def _one_digit(value: float) -> str:
    return re.sub(r"e-0*", "e-", f"{value:.1g}")


def markdown(table: Table) -> str:
    """Renders a table as GitHub Markdown: bold title, table, and notes as a list.

    Args:
        table: The table.

    Returns:
        The Markdown text.
    """
    cells = [[cell.replace("|", r"\|") for cell in row] for row in (table.columns, *table.rows)]
    ruler = ["---" if i in table.prose else "---:" for i in range(len(table.columns))]
    lines = ["| " + " | ".join(row) + " |" for row in (cells[0], ruler, *cells[1:])]
    notes = ["", *(f"- {note}" for note in table.notes)] if table.notes else []
    return "\n".join([f"**{table.title}**", "", *lines, *notes]) + "\n"


def comma_separated(table: Table) -> str:
    """Renders a table as CSV with one head row, without title and notes.

    Args:
        table: The table.

    Returns:
        The CSV text.
    """
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([table.columns, *table.rows])
    return buffer.getvalue()


def latex(table: Table) -> str:
    """Renders a table as a LaTeX `table` environment (booktabs) with the title as its caption, without notes.

    Args:
        table: The table.

    Returns:
        The LaTeX text.
    """
    layout = "".join("l" if i in table.prose else "r" for i in range(len(table.columns)))
    head, *body = [" & ".join(map(_escape_latex, row)) + r" \\" for row in (table.columns, *table.rows)]
    lines = [
        r"\begin{table}",
        r"\centering",
        rf"\caption{{{_escape_latex(table.title)}}}",
        rf"\begin{{tabular}}{{{layout}}}",
    ]
    lines += [r"\toprule", head, r"\midrule", *body, r"\bottomrule", r"\end{tabular}", r"\end{table}"]
    return "\n".join(lines) + "\n"


def terminal(table: Table) -> rich.console.Group:
    """Renders a table and its notes for `rich.console.Console.print`; the notes may be wider than the table.

    Args:
        table: The table.

    Returns:
        What rich prints.
    """
    shown = rich.table.Table(title=table.title, title_justify="left")
    for i, column in enumerate(table.columns):
        shown.add_column(column, justify="left" if i in table.prose else "right", no_wrap=not i)
    for row in table.rows:
        shown.add_row(*row)
    return rich.console.Group(shown, *(rich.text.Text(f"- {note}", style="italic") for note in table.notes), "")


def _escape_latex(text: str) -> str:
    special = {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "±": r"$\pm$",
        "−": "$-$",
    }
    text = re.sub(r"[\\~^±−&%$#_{}]", lambda found: special.get(found[0], "\\" + found[0]), text)
    return re.sub(r"`([^`]*)`", r"\\texttt{\1}", text)
