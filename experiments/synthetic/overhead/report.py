"""Renders the result on overheads, read from its JSON, as tables and a plot."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.reporting.tables import ABSENT, Table, number
from experiments.reporting.verdicts import detected, lowest_pvalue, short_share
from experiments.synthetic.coder_styles import CODED, LABELS
from experiments.synthetic.overhead import notes
from experiments.synthetic.overhead import plots as synthetic_overhead_plots
from experiments.synthetic.overhead.coder_choice import choice

_CODES = {"zeta": "zeta code fitted to the mean", "delta": "Elias's delta code"}
_PLACES = {"one": "one dimension", "many": "several dimensions"}
_BOUNDS = (
    ("lower bound", "channel_overhead"),
    ("sufficient, arXiv:2604.23076", "ring_toss"),
    ("sufficient, arXiv:1701.02827", "functional"),
)


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders overheads under two codes, steps and biases, in one dimension and in many, and the choice of a coder.

    Args:
        result: The recorded result of `experiments.synthetic.overhead.run`.

    Returns:
        Nine tables.
    """
    made = [_overhead_table(result, place, code) for code in _CODES for place in _PLACES]
    searches = [make(result, place) for make in (_step_table, _bias_table) for place in _PLACES]
    return [*made, *searches, choice(result)]


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws the plot, see `experiments.synthetic.overhead.plots`.

    Args:
        result: The recorded result of `experiments.synthetic.overhead.run`.
        path: File of the plot.
    """
    synthetic_overhead_plots.plot(result, path)


def _grid(
    result: dict[str, Any], place: str, cell: Callable[[dict[str, Any]], str], coded: bool = True
) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Returns the head and the rows of a table with coders down and information across.

    The cells of a coder that was
    not run are ABSENT. Without `coded`, coders with coded branches are left out.
    """
    amounts = result["config"]["information"]
    found = {(row["coder"], row["information"]): row for row in result[place]}
    rows = []
    for name in dict.fromkeys(coder for coder, _ in found):
        if coded or not name.endswith(CODED):
            own = (found.get((name, amount)) for amount in amounts)
            rows.append((LABELS[name], *(ABSENT if row is None else cell(row) for row in own)))
    return ("mutual information I, bits", *map(str, amounts)), tuple(rows)


def _overhead_table(result: dict[str, Any], place: str, code: str) -> Table:
    head, rows = _grid(result, place, lambda row: number(row[f"{code}_overhead"], 2))
    known = {row["information"]: row for row in result[place]}
    bounds = tuple(
        (words, *(number(known[amount][key], 2) for amount in result["config"]["information"]))
        for words, key in _BOUNDS
    )
    title = f"Mean codelength less KL, bits, {_PLACES[place]}, {_CODES[code]}"
    below = notes.of_overheads(result, place, code)
    return Table(title, head, bounds + rows, below, place if code == "zeta" else f"{place}_{code}")


def _step_table(result: dict[str, Any], place: str) -> Table:
    head, rows = _grid(result, place, _steps, coded=False)
    return Table(f"Median steps of a search, {_PLACES[place]}", head, rows, notes.of_steps(), f"{place}_steps")


def _steps(row: dict[str, Any]) -> str:
    share = short_share(row)
    return number(row["steps_median"], 0) + (f" ({100 * share:.2g}%)" if share else "")


def _bias_table(result: dict[str, Any], place: str) -> Table:
    head, rows = _grid(result, place, _bias, coded=False)
    return Table(
        f"KS distance of the samples from their targets, {_PLACES[place]}",
        head,
        rows,
        notes.of_bias(result, place),
        f"{place}_bias",
    )


def _bias(row: dict[str, Any]) -> str:
    return f"{row['bias_ks']:.3f}" + (f" (p {lowest_pvalue(row):.0e})" if detected(row) else "")
