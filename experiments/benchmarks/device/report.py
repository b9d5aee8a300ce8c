"""Renders the speed of a whole device, read from the recorded JSON, as a table and a plot."""

from pathlib import Path
from typing import Any

from experiments.benchmarks.device.operations import OPERATIONS_OF_DIMENSION, PRODUCT_OPERATIONS_OF_DIMENSION
from experiments.reporting.plots import PART_COLOURS, PLAIN_COLOUR
from experiments.reporting.tables import ABSENT, Table, machine

CEILINGS = ("copied bytes", "product operations", "integer operations")


def shares(result: dict[str, Any]) -> dict[str, tuple[str, float]]:
    """Computes how close each kind of candidates comes to the ceiling that limits it.

    Args:
        result: The recorded result of `experiments.benchmarks.device.run`.

    Returns:
        By kind, the name of the ceiling and the share of it, 1 for all.
    """
    rates, config = result["rates"], result["config"]
    found = {}
    for kind in ("independent", "binned", "shared"):
        dim = len(config[kind]["kl_bits"])
        ceiling = CEILINGS[1] if kind == "shared" else CEILINGS[2]
        operations = PRODUCT_OPERATIONS_OF_DIMENSION if kind == "shared" else OPERATIONS_OF_DIMENSION
        found[kind] = (ceiling, rates[f"{kind} candidates"] * operations * dim / rates[ceiling])
    return found


def tables(result: dict[str, Any]) -> list[Table]:
    """Renders the rates, and their shares of the ceilings.

    Args:
        result: The recorded result of `experiments.benchmarks.device.run`.

    Returns:
        One table.
    """
    rates, config, near = result["rates"], result["config"], shares(result)
    rows = [(f"{name}, ceiling", f"{rates[name]:.3g}", ABSENT) for name in CEILINGS]
    for kind, (ceiling, share) in near.items():
        rate = rates[f"{kind} candidates"]
        blocks = f"{rate / config[kind]['candidates']:,.0f} blocks/s"
        rows.append((f"{kind} candidates ({blocks})", f"{rate:.3g}", f"{100 * share:.0f}% of {ceiling}"))
    head = ("what", "a second", "of the ceiling")
    device = result["device"]
    notes = (
        f"On {device['kind']} ({device['count']} device, {device['cpu_cores']} CPU cores, {machine(device)}), "
        f"{config['blocks']:,} blocks a call; medians of {config['rounds']} rounds.",
        f"A candidate counts as {OPERATIONS_OF_DIMENSION} operations a dimension, and for each block that shares it "
        f"as {PRODUCT_OPERATIONS_OF_DIMENSION}; ceilings are those of large arrays through XLA.",
    )
    return [Table("What the device does, and could", head, tuple(rows), notes, "device", (0, 2))]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the shares of the ceilings.

    Args:
        result: The recorded result of `experiments.benchmarks.device.run`.
        path: File of the plot.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    near = shares(result)
    names = [f"{kind} candidates\nof {ceiling}" for kind, (ceiling, _) in near.items()]
    axes.barh(names, [100] * len(names), color=PLAIN_COLOUR, height=0.5)
    axes.barh(names, [100 * share for _, share in near.values()], color=PART_COLOURS[0], height=0.5)
    for place, (_, share) in enumerate(near.values()):
        axes.text(100 * share, place, f" {100 * share:.0f}%", va="center", fontsize=9)
    axes.invert_yaxis()
    axes.set_xlabel("% of what the device could do")
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title(result["device"]["kind"], fontweight="bold")
    figure.savefig(path, dpi=150)
