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

_LAWS = {"zeta": "a zeta law that knows the mean", "delta": "Elias's delta code, which knows nothing"}
_PLACES = {"one": "in one dimension", "many": "spread over dimensions"}
_BOUNDS = (("lower bound", "channel_overhead"), ("ring toss", "ring_toss"), ("Li, El Gamal", "functional"))


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders overheads under two codes, steps and biases, in one dimension and in many, and the choice of a coder.

    Args:
        result: The recorded result of `experiments.synthetic.overhead.run`.

    Returns:
        Nine tables.
    """
    made = [_overhead_table(result, place, law) for law in _LAWS for place in _PLACES]
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

    This is the narrower way round, as there are more coders than amounts of information. The cells of a coder that was
    not run are ABSENT. Without `coded`, coders with coded cuts are left out.
    """
    amounts = result["config"]["information"]
    found = {(row["coder"], row["information"]): row for row in result[place]}
    rows = []
    for name in dict.fromkeys(coder for coder, _ in found):
        if coded or not name.endswith(CODED):
            own = (found.get((name, amount)) for amount in amounts)
            rows.append((LABELS[name], *(ABSENT if row is None else cell(row) for row in own)))
    return ("I, bits", *map(str, amounts)), tuple(rows)


def _overhead_table(result: dict[str, Any], place: str, law: str) -> Table:
    head, rows = _grid(result, place, lambda row: number(row[f"{law}_overhead"], 2))
    known = {row["information"]: row for row in result[place]}
    bounds = tuple(
        (words, *(number(known[amount][key], 2) for amount in result["config"]["information"]))
        for words, key in _BOUNDS
    )
    title = f"Bits above the mutual information I, {_PLACES[place]}: {_LAWS[law]}"
    below = notes.of_overheads(result, place, law)
    return Table(title, head, bounds + rows, below, place if law == "zeta" else f"{place}_{law}")


def _step_table(result: dict[str, Any], place: str) -> Table:
    head, rows = _grid(result, place, _steps, coded=False)
    return Table(f"Steps of the searches, {_PLACES[place]}", head, rows, notes.of_steps(), f"{place}_steps")


def _steps(row: dict[str, Any]) -> str:
    share = short_share(row)
    return number(row["steps_median"], 0) + (f" ({100 * share:.2g}%)" if share else "")


def _bias_table(result: dict[str, Any], place: str) -> Table:
    head, rows = _grid(result, place, _bias, coded=False)
    return Table(f"Bias of the samples, {_PLACES[place]}", head, rows, notes.of_bias(result, place), f"{place}_bias")


def _bias(row: dict[str, Any]) -> str:
    return f"{row['bias_ks']:.3f}" + (f" (p {lowest_pvalue(row):.0e})" if detected(row) else "")
