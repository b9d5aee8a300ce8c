"""Renders the result in one dimension, read from its JSON, as tables and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting.tables import ABSENT, Table, number, with_error, with_p_value
from experiments.synthetic.coder_styles import LABELS
from experiments.synthetic.scalar import notes
from experiments.synthetic.scalar import plots as synthetic_scalar_plots


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders steps, codelengths under two codes, biases of approximate coders, and targets too narrow for the grid.

    Args:
        result: The recorded result of `experiments.synthetic.scalar.run`.

    Returns:
        Five tables.
    """
    codes = [_code_table(result, figure) for figure in notes.CODE_TITLES]
    return [_step_table(result), *codes, _bias_table(result), _grid_table(result)]


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws the plot, see `experiments.synthetic.scalar.plots`.

    Args:
        result: The recorded result of `experiments.synthetic.scalar.run`.
        path: File of the plot.
    """
    synthetic_scalar_plots.plot(result, path)


def _step_table(result: dict[str, Any]) -> Table:
    config = result["config"]
    found = {(row["coder"], row["divergence"]): row for row in result["exact"]}
    rows = []
    for divergence in config["divergences"]:
        own = (found.get((name, divergence)) for name in config["coders"])
        cells = (ABSENT if row is None else with_error(row["steps"], row["steps_se"], 2) for row in own)
        rows.append((f"{divergence:g}", number(2**divergence, 0), *cells))
    title = (
        f"Mean steps of exact coders on one-dimensional Gaussian targets, n = {config['runs']:,} targets per cell "
        f"({config['candidate_runs']:,} for PFR and global GPRS)"
    )
    head = ("D_inf, bits", "2^D_inf", *(LABELS[name] for name in config["coders"]))
    return Table(title, head, tuple(rows), notes.of_steps(result), "steps")


def _code_table(result: dict[str, Any], figure: str) -> Table:
    """Renders codelengths with a row for each coder and a column for each divergence."""
    targets = result["targets"]
    rows = [(words, *(number(row[key], 2) for row in targets)) for words, key in notes.KNOWN]
    found = {(row["coder"], row["divergence"]): row for row in result["exact"]}
    for name in dict.fromkeys(row["coder"] for row in result["exact"]):
        own = (found.get((name, row["divergence"])) for row in targets)
        rows.append((LABELS[name], *(ABSENT if row is None else number(row[figure], 2) for row in own)))
    head = ("D_inf, bits", *(f"{row['divergence']:g}" for row in targets))
    return Table(
        notes.CODE_TITLES[figure], head, tuple(rows), notes.of_codes(result, figure), figure.removesuffix("_bits")
    )


def _bias_table(result: dict[str, Any]) -> Table:
    rows = [
        (
            LABELS[row["coder"]],
            number(row["bits"], 0),
            str(row["bits"] - 1) if row["coder"] == "dad_star" else ABSENT,
            with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
            with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"]),
            number(row["bias_mmd2"], 5),
        )
        for row in result["approximate"]
    ]
    head = ("coder", "bits", "depth of the tree", "KS", "log-ratio KS", "MMD²")
    return Table(
        "Bias of approximate coders by the length of their code", head, tuple(rows), notes.of_bias(result), "bias"
    )


def _grid_table(result: dict[str, Any]) -> Table:
    trees = list(dict.fromkeys(row["coder"] for row in result["grid"]))
    found = {(row["coder"], row["divergence"]): row for row in result["grid"]}
    rows = []
    for divergence in result["config"]["grid_divergences"] if trees else ():
        own = [found[name, divergence] for name in trees]
        cells = (f"{row['ks']:.3f}, {100 * row['unsuited'] / row['runs']:.0f}%" for row in own)
        rows.append((f"{divergence:g}", number(own[0]["words_per_scale"], 2), *cells))
    head = ("D_inf, bits", "grid points per standard deviation", *(LABELS[name] for name in trees))
    return Table(
        "Targets that are narrow beside the 24-bit grid: KS distance, share UNSUITED",
        head,
        tuple(rows),
        notes.of_grid(result),
        "grid",
    )
