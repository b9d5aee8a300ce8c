"""Renders the result of the ablation, read from its JSON, as a table and a plot."""

import math
from pathlib import Path
from typing import Any

from experiments.reporting import figures as panels
from experiments.reporting.tables import Table, number, with_error, with_p_value

COLUMNS = (
    "intervals",
    "log2 J, bits",
    "code, bits",
    "KS, worst dim",
    "log-ratio KS",
    "MMD²",
    "variance ratio, worst dim",
)

_COLOURS = {"none": panels.GREY, "uninformative": panels.RED, "random": panels.ORANGE, "informative": panels.BLUE}
_WORDS = {
    "none": "none",
    "uninformative": "on the dimension without information",
    "random": "at random",
    "informative": "by mutual information",
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
        (2.5 * dims, 1.9 * len(arms) + 1.0),
        f"Which dimensions should be cut? {config['candidates']:,} candidates each "
        "(a histogram that fills its curve is right)",
        sharex="col",
        sharey="col",
    )
    for row, arm in enumerate(arms):
        for dim in range(dims):
            panel, edges = axes[row, dim], result["edges"][dim]
            panels.histogram(panel, arm["histograms"][dim], edges, arm["draws"], _COLOURS[arm["arm"]])
            panels.normal_curve(panel, config["means"][dim], config["scales"][dim], edges)
            panel.set_ylim(0, 1.25 / (config["scales"][dim] * math.sqrt(2 * math.pi)))
            panel.text(0.03, 0.9, f"KS {arm['ks_per_dimension'][dim]:.2f}", transform=panel.transAxes, fontsize=8)
            if row == 0:
                panel.set_title(f"dimension {dim + 1}: {result['kl_bits'][dim]:.2f} bits", fontsize=10)
            if row == len(arms) - 1:
                panel.set_xlabel("sample (line: target density)", fontsize=8)
        axes[row, 0].set_ylabel(f"{_label(arm)}\ncode: {arm['code_bits']:.1f} bits", fontsize=8)
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
        "Equal candidates and equal bits of partition: by mutual information the KS distance is "
        f"{good['bias_ks']:.3f}, on the dimension without information {bad['bias_ks']:.3f}, without any partition "
        f"{none['bias_ks']:.3f}.",
        "A code can be short because its search was too: bits without a partition are those of a biased sample, so "
        "read bits and bias together.",
        f"KS: Kolmogorov-Smirnov distance from the target's law; exact samples stay below {good['bias_ks_limit']:.3f} "
        "in 95% of cases. Log-ratio KS: the same of the rank of log q/p among exact draws. MMD²: of (z - mean)/scale "
        "from the standard normal, around 0 when exact. Variance ratio: E[(z - mean)²]/scale² where it is furthest "
        "from 1.",
        "At random: each of the bits goes to a dimension drawn by lot, afresh for each sample. Code: log2 J, and the "
        "index under a zeta law that knows E log2(1 + r/J) of other samples. ± is the standard error over samples.",
    )
