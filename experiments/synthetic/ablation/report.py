"""Renders the result of the ablation, read from its JSON, as a table and a plot."""

import math
from pathlib import Path
from typing import Any

from experiments.reporting import figures as panels
from experiments.reporting.tables import Table, number, with_error, with_p_value

COLUMNS = (
    "intervals assigned",
    "log2 J, bits",
    "code, bits",
    "KS, worst dimension",
    "log-ratio KS",
    "MMD²",
    "variance ratio, worst dimension",
)

_WORDS = {
    "none": "no partition",
    "uninformative": "to the dimension of KL 0",
    "random": "at random",
    "informative": "by KL",
}


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders the bias and the codelength of every arm.

    Args:
        result: The recorded result of `experiments.synthetic.ablation.run`.

    Returns:
        One table with a row for each arm.
    """
    config = result["config"]
    kl = ", ".join(number(value, 2) for value in result["kl_bits"])
    title = f"ORC with {config['candidates']:,} candidates, {config['samples']:,} samples of a target of KL {kl} bits"
    return [Table(title, COLUMNS, tuple(map(_row, result["arms"])), _notes(result))]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots a histogram of the samples in every dimension (columns) under every arm (rows), with the target's density.

    Args:
        result: The recorded result of `experiments.synthetic.ablation.run`.
        path: File of the plot.
    """
    config, arms = result["config"], result["arms"]
    dims = len(result["kl_bits"])
    made, axes = panels.figure(
        len(arms),
        dims,
        (panels.WIDTH, 2.0 * len(arms) + 1.0),
        f"ORC with {config['candidates']:,} candidates: samples by the dimensions that are partitioned",
        sharex="col",
        sharey="col",
    )
    for row, arm in enumerate(arms):
        for dim in range(dims):
            panel, edges = axes[row, dim], result["edges"][dim]
            panels.histogram(panel, arm["histograms"][dim], edges, arm["draws"], panels.PARTITIONS[arm["arm"]])
            panels.normal_curve(panel, config["means"][dim], config["scales"][dim], edges)
            panel.set_ylim(0, 1.25 / (config["scales"][dim] * math.sqrt(2 * math.pi)))
            panel.text(0.03, 0.9, f"KS {arm['ks_per_dimension'][dim]:.2f}", transform=panel.transAxes, fontsize=9)
            if row == 0:
                panel.set_title(f"dimension {dim + 1},\nKL {result['kl_bits'][dim]:.2f} bits", fontsize=10)
            if row == len(arms) - 1:
                panel.set_xlabel("sample", fontsize=9)
        axes[row, 0].set_ylabel(f"{_label(arm)}\ncode: {arm['code_bits']:.1f} bits\n\ndensity", fontsize=9)
    made.supxlabel("line: density of the target; KS: distance of the samples from it", fontsize=9)
    panels.save(made, path)


def _label(arm: dict[str, Any]) -> str:
    return _WORDS[arm["arm"]] + ("" if arm["intervals"] is None else f"\n({', '.join(map(str, arm['intervals']))})")


def _row(arm: dict[str, Any]) -> tuple[str, ...]:
    return (
        _label(arm).replace("\n", " "),
        number(arm["log2_bins"], 0),
        with_error(arm["code_bits"], arm["code_bits_se"], 2),
        with_p_value(arm["bias_ks"], arm["bias_ks_pvalue"]),
        with_p_value(arm["bias_log_ratio_ks"], arm["bias_log_ratio_pvalue"]),
        number(arm["bias_mmd2"], 4),
        number(arm["variance_ratio"], 2),
    )


def _notes(result: dict[str, Any]) -> tuple[str, ...]:
    by_arm = {arm["arm"]: arm for arm in result["arms"]}
    good, bad, none = by_arm["informative"], by_arm["uninformative"], by_arm["none"]
    return (
        f"With as many candidates, the KS distance is {good['bias_ks']:.3f} if intervals are assigned by KL, "
        f"{bad['bias_ks']:.3f} if the same number is assigned to the dimension of KL 0, and {none['bias_ks']:.3f} "
        "without a partition.",
        "The code of a biased sample is too short: compare codes of equal bias only.",
        "KS: Kolmogorov-Smirnov distance of the samples from the target; exact samples stay below "
        f"{good['bias_ks_limit']:.3f} in 95% of cases. Log-ratio KS: the same of the ranks of log q/p among exact "
        "draws. MMD²: squared maximum mean discrepancy of (z - mean)/scale from the standard normal, 0 on average "
        "for exact samples. Variance ratio: E[(z - mean)²]/scale², of the dimension where it is furthest from 1.",
        "J: number of bins. At random: each of the log2 J bits is assigned to a random dimension, anew for each "
        "sample. Code: log2 J, and the index under a zeta distribution fitted to E log2(1 + r/J) of other samples. "
        f"± is the standard error over n = {result['config']['samples']:,} samples.",
    )
