"""Renders the speed of a whole device, read from the recorded JSON, as a table and a plot."""

from pathlib import Path
from typing import Any

from experiments.benchmarks.device.operations import OPERATIONS_OF_DIMENSION, PRODUCT_OPERATIONS_OF_DIMENSION
from experiments.reporting import figures
from experiments.reporting.tables import ABSENT, Table, machine

CEILINGS = ("copied bytes", "product operations", "integer operations")
KINDS = {
    "independent": "candidates of each block's own",
    "binned": "candidates within bins",
    "shared": "candidates that blocks share",
}


def shares(result: dict[str, Any]) -> dict[str, tuple[str, float]]:
    """Computes how close each kind of candidates comes to the ceiling that limits it.

    Args:
        result: The recorded result of `experiments.benchmarks.device.run`.

    Returns:
        By kind, the name of the ceiling and the share of it, 1 for all.
    """
    rates, config = result["rates"], result["config"]
    found = {}
    for kind in KINDS:
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
    rows = [(f"limit: {name}", f"{rates[name]:.3g}", ABSENT, ABSENT) for name in CEILINGS]
    for kind, (ceiling, share) in near.items():
        rate = rates[f"{kind} candidates"]
        blocks = f"{rate / config[kind]['candidates']:,.0f}"
        rows.append((KINDS[kind], f"{rate:.3g}", blocks, f"{100 * share:.0f}% of {ceiling}"))
    head = ("operation", "operations or candidates/s", "blocks/s", "share of the device's limit")
    device = result["device"]
    notes = (
        f"On {device['kind']} ({device['count']} device, {device['cpu_cores']} CPU cores, {machine(device)}), "
        f"{config['blocks']:,} blocks per call; medians of n = {config['rounds']} rounds.",
        f"A candidate counts as {OPERATIONS_OF_DIMENSION} operations per dimension; a shared one as "
        f"{PRODUCT_OPERATIONS_OF_DIMENSION} per dimension for each block that shares it. Limits are measured with XLA "
        "on large arrays.",
    )
    return [
        Table("Candidates per second of a whole device, beside its limits", head, tuple(rows), notes, "device", (0, 3))
    ]


def plot(result: dict[str, Any], path: Path) -> None:
    """Plots the shares of the ceilings.

    Args:
        result: The recorded result of `experiments.benchmarks.device.run`.
        path: File of the plot.
    """
    near = shares(result)
    title = f"How close candidates come to the limit of the device ({result['device']['kind']})"
    figure, panels = figures.figure(1, 1, (figures.WIDTH, 3.0), title)
    panel = panels[0, 0]
    names = [f"{KINDS[kind]},\nlimit: {ceiling}" for kind, (ceiling, _) in near.items()]
    panel.barh(names, [100] * len(names), color=figures.OTHERS, height=0.5)
    panel.barh(names, [100 * share for _, share in near.values()], color=figures.OURS, height=0.5)
    for place, (_, share) in enumerate(near.values()):
        panel.text(100 * share, place, f" {100 * share:.0f}%", va="center", fontsize=9)
    panel.invert_yaxis()
    panel.set_xlabel("share of the limit, % (longer is better)")
    figures.save(figure, path)
