"""Renders the result on partitions, read from its JSON, as tables and a plot."""

from pathlib import Path
from typing import Any

from experiments.reporting.tables import ABSENT, Table, number, with_error, with_p_value
from experiments.synthetic.partition import plots as synthetic_partition_plots
from experiments.synthetic.partition.plots import needed

COLUMNS = (
    "D_inf, bits",
    "KL, bits",
    "intervals",
    "steps, no partition",
    "ended at the budget, no partition",
    "steps, partitioned",
    "ratio of steps",
    "code, bits, no partition",
    "code, bits, partitioned",
    "bound, bits, partitioned",
    "KS, partitioned",
)

CHANNEL_COLUMNS = (
    "I, bits",
    "intervals",
    "code over KL, bits, no partition",
    "ended at the budget, no partition",
    "code over KL, bits, partitioned",
    "bound over KL, bits, partitioned",
    "median steps, no partition",
    "median steps, partitioned",
    "ended at the budget, partitioned",
)


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders steps and code of the exact coder, its code on channels, and candidates that the approximate coder needs.

    Args:
        result: The recorded result of `experiments.synthetic.partition.run`.

    Returns:
        Three tables.
    """
    pairs = _pairs(result)
    dims = len(result["config"]["shares"])
    count = f"n = {result['config']['runs']:,} per row"
    title = f"PFR for {dims}-dimensional Gaussian targets, with and without a partition, {count}"
    exact = Table(title, COLUMNS, tuple(_exact_row(*pair) for pair in pairs), _exact_notes(result, *pairs[-1]))
    return [exact, _channel_table(result), _needed_table(result)]


def plot(result: dict[str, Any], path: Path) -> None:
    """Draws the plot, see `experiments.synthetic.partition.plots`.

    Args:
        result: The recorded result of `experiments.synthetic.partition.run`.
        path: File of the plot.
    """
    synthetic_partition_plots.plot(result, path)


def _pairs(result: dict[str, Any]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Returns the rows without and with a partition, paired by divergence."""
    plain, split = ([row for row in result["exact"] if row["partitioned"] == kind] for kind in (False, True))
    return list(zip(plain, split, strict=True))


def _exact_row(plain: dict[str, Any], split: dict[str, Any]) -> tuple[str, ...]:
    return (
        f"{plain['divergence']:g}",
        number(plain["kl_bits"], 2),
        "x".join(map(str, split["intervals"])),
        with_error(plain["steps"], plain["steps_se"], 1),
        _given_up(plain),
        with_error(split["steps"], split["steps_se"], 1),
        number(plain["steps"] / split["steps"], 1),
        with_error(plain["code_bits"], plain["code_bits_se"], 2),
        with_error(split["code_bits"], split["code_bits_se"], 2),
        number(split["bound_bits"], 2),
        with_p_value(split["bias_ks"], split["bias_ks_pvalue"]),
    )


def _exact_notes(result: dict[str, Any], plain: dict[str, Any], split: dict[str, Any]) -> tuple[str, ...]:
    budget = result["config"]["budget"]
    saved = plain["steps"] / split["steps"]
    return (
        f"At D_inf = {plain['divergence']:g} bits the partition lowers the mean steps from "
        f"{number(plain['steps'], 0)} to {number(split['steps'], 0)}, by a factor of {number(saved, 0)}, and changes "
        f"the mean code by {split['code_bits'] - plain['code_bits']:+.2f} bits.",
        "D_inf: log2 of the largest density ratio q/p; PFR without a partition takes 2^D_inf steps on average. "
        f"Steps: candidates examined. Ended at the budget: searches that ended at {budget:,} candidates; where there "
        "are some, the mean of the steps is too low.",
        "Code: log2 of the number of bins J, and the index under a zeta distribution whose exponent is fitted to other "
        "targets of the family. ± is the standard error over targets.",
        "Bound: KL + e + log2(KL - log2 J + e + 2) + 2 with e = E max(0, log2 J - log2 r), on the mean codelength "
        "of the exact coder; our form of the theorem of arXiv:2405.12203, whose constants we could not confirm.",
        "The number of intervals of a dimension is 2^KL, rounded, for its mean KL over other targets, such that log2 J "
        "does not exceed the KL. KS: worst dimension of the partitioned samples, p corrected for their number; exact "
        "samples have p > 0.05 in 95% of cases.",
    )


def _channel_table(result: dict[str, Any]) -> Table:
    plain = {row["information"]: row for row in result["channels"] if not row["partitioned"]}
    rows = []
    for split in (row for row in result["channels"] if row["partitioned"]):
        own = plain.get(split["information"])
        cells = (
            "x".join(map(str, split["intervals"])),
            ABSENT if own is None else with_error(own["overhead"], own["overhead_se"], 2),
            ABSENT if own is None else _given_up(own),
            with_error(split["overhead"], split["overhead_se"], 2),
            number(split["bound_bits"] - split["kl_bits"], 2),
            ABSENT if own is None else number(own["steps_median"], 0),
            number(split["steps_median"], 0),
            _given_up(split),
        )
        rows.append((f"{split['information']:g}", *cells))
    config = result["config"]
    notes = (
        f"X -> Z with I bits of mutual information in {len(config['shares'])} dimensions, n = {config['runs']:,} "
        "targets per row, of mean KL I. Code over KL: mean of the codelength less the KL of the target, with the "
        "code of the table above; ± is the standard error over targets.",
        f"{ABSENT}: not run. The mean of 2^D_inf over a channel is infinite: medians are shown, and any budget ends "
        "some searches.",
    )
    return Table(
        "PFR on Gaussian channels, with and without a partition",
        CHANNEL_COLUMNS,
        tuple(rows),
        notes,
        "channels",
        (0, 1),
    )


def _given_up(row: dict[str, Any]) -> str:
    return number(100 * row["exhausted"] / row["runs"], 1, "%")


def _needed_table(result: dict[str, Any]) -> Table:
    levels = result["config"]["approximate"]["mmd2_levels"]
    words = {False: "no partition", True: "partitioned"}
    columns = ["D_inf, bits", *(f"MMD² {level:g}, {words[kind]}" for level in levels for kind in words)]
    rows = []
    for divergence in result["config"]["divergences"]:
        cells = [_cell(needed(result, divergence, kind, level)) for level in levels for kind in words]
        rows.append((f"{divergence:g}", *cells))
    most = [result["config"]["approximate"][f"{name}_candidates_log2"][-1] for name in ("plain", "partitioned")]
    notes = (
        "Candidates at which the MMD² of (z - mean)/scale from the standard normal falls to the value of the column, "
        f"n = {result['config']['approximate']['runs']:,} samples each; interpolated in logarithms between the numbers "
        "tried.",
        f"{ABSENT}: not reached with the most candidates tried, 2^{most[0]} without and 2^{most[1]} with a partition.",
    )
    return Table(
        "Candidates of ORC at a given bias, with and without a partition",
        tuple(columns),
        tuple(rows),
        notes,
        "candidates",
    )


def _cell(log2: float | None) -> str:
    return ABSENT if log2 is None else number(2**log2, 0 if log2 >= 3 else 1)
