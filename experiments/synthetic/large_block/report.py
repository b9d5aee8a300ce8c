"""Renders the result on a large block, read from its JSON, as tables and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting.tables import ABSENT, Table, number, with_error, with_p_value
from experiments.synthetic.large_block import plots as synthetic_large_block_plots
from experiments.synthetic.large_block import verdicts as notes
from experiments.synthetic.large_block.verdicts import mmd_p_value

COLUMNS = (
    "search",
    "samples",
    "KL, bits",
    "residual KL, bits",
    "code, bits",
    "KS, worst dimension",
    "log-ratio KS",
    "MMD²",
    "variance ratio",
)

SWEEP_COLUMNS = (
    "dimensions",
    "intervals per dimension",
    "log2 J, bits",
    "residual KL, bits",
    "candidates needed",
    "code, bits",
    "KS, worst dimension",
    "log-ratio KS",
)


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders the bias of the block with and without a partition, and the sweeps of dimensions and of intervals.

    Args:
        result: The recorded result of `experiments.synthetic.large_block.run`.

    Returns:
        Three tables.
    """
    config = result["config"]
    dims, bits = config["block"]["dimensions"], config["bits"]
    title = f"{bits:g} bits of KL in one block of {dims} dimensions, ORC"
    first = Table(
        title,
        COLUMNS,
        tuple(_block_row(row, result["exact_mmd2"]) for row in result["blocks"]),
        notes.of_blocks(result),
    )
    sweeps = []
    for name, words in (("by_dimensions", "number of dimensions"), ("by_intervals", "number of intervals")):
        rows = tuple(_sweep_row(row, config) for row in result[name])
        title = f"Candidates needed for {bits:g} bits of KL, by {words}"
        sweeps.append(Table(title, SWEEP_COLUMNS, rows, notes.of_sweeps(result), name))
    return [first, *sweeps]


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws the plot, see `experiments.synthetic.large_block.plots`.

    Args:
        result: The recorded result of `experiments.synthetic.large_block.run`.
        path: File of the plot.
    """
    synthetic_large_block_plots.plot(result, path)


def _block_row(row: dict[str, Any], exact_mmd2: list[float]) -> tuple[str, ...]:
    kind = "no partition" if row["intervals"] is None else f"{row['intervals']} intervals in each dimension"
    return (
        f"{kind}, {row['candidates']:,} candidates",
        number(row["draws"], 0),
        number(row["kl_bits"], 2),
        number(row["residual_kl_bits"], 2),
        with_error(row["code_bits"], row["code_bits_se"], 2),
        with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
        with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"]),
        f"{row['bias_mmd2']:.5f} (p {mmd_p_value(row, exact_mmd2):.2g})" if row["intervals"] else ABSENT,
        with_error(row["variance_ratio"], row["variance_ratio_se"], 3),
    )


def _sweep_row(row: dict[str, Any], config: dict[str, Any]) -> tuple[str, ...]:
    last = row["tried"][-1]
    found, most = row["log2_needed"], config["sweep"]["most_candidates_log2"]
    return (
        f"{row['dimensions']}",
        f"{row['intervals']}",
        number(row["log2_bins"], 1),
        number(row["residual_kl_bits"], 2),
        f"more than 2^{most}" if found is None else f"2^{found}" + (" or fewer" if found == row["log2_first"] else ""),
        number(last["code_bits"], 2),
        with_p_value(last["bias_ks"], last["bias_ks_pvalue"]),
        with_p_value(last["bias_log_ratio_ks"], last["bias_log_ratio_pvalue"]),
    )
