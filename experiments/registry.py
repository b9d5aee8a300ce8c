"""Maps the name of an experiment to the modules that run and report it; a config selects one by `experiment = "NAME"`.

A runner has `Config`, a frozen dataclass, and `run(config, folder, console) -> dict`, with wall times in `seconds`.
A reporter has `tables(result) -> list[Table]` and `plot(result, path)`; it uses the JSON only and needs no JAX.
"""

import importlib
from types import ModuleType
from typing import Any

from experiments.config import ConfigError

EXPERIMENTS = {
    "quickstart": ("experiments.quickstart.run", "experiments.quickstart.report"),
    "mnist_bb_ans": ("experiments.mnist.bb_ans.run", "experiments.mnist.bb_ans.report"),
    "mnist_partition": ("experiments.mnist.partition.run", "experiments.mnist.partition.report"),
    "mnist_isokl": ("experiments.mnist.isokl.run", "experiments.mnist.isokl.report"),
    "mnist_counts": ("experiments.mnist.counts.run", "experiments.mnist.counts.report"),
    "mnist_context": ("experiments.mnist.context.run", "experiments.mnist.context.report"),
    "mnist_arithmetic": ("experiments.mnist.arithmetic.run", "experiments.mnist.arithmetic.report"),
    "cifar10_rate_distortion": ("experiments.rate_distortion.run", "experiments.rate_distortion.report"),
    "kodak_rate_distortion": ("experiments.rate_distortion.run", "experiments.rate_distortion.report"),
    "lossless_pictures": ("experiments.lossless_pictures.run", "experiments.lossless_pictures.report"),
    "fuzz_files": ("experiments.fuzzing.run", "experiments.fuzzing.report"),
    "bench_candidates": ("experiments.benchmarks.candidates.run", "experiments.benchmarks.candidates.report"),
    "bench_coder": ("experiments.benchmarks.speeds.run", "experiments.benchmarks.speeds.report"),
    "bench_costs": ("experiments.benchmarks.costs.run", "experiments.benchmarks.costs.report"),
    "bench_device": ("experiments.benchmarks.device.run", "experiments.benchmarks.device.report"),
    "bench_files": ("experiments.benchmarks.files.run", "experiments.benchmarks.files.report"),
    "bench_startup": ("experiments.benchmarks.startup.run", "experiments.benchmarks.startup.report"),
    "bench_training": ("experiments.benchmarks.speeds.run", "experiments.benchmarks.speeds.report"),
    "synthetic_partition": ("experiments.synthetic.partition.run", "experiments.synthetic.partition.report"),
    "synthetic_ablation": ("experiments.synthetic.ablation.run", "experiments.synthetic.ablation.report"),
    "synthetic_scalar": ("experiments.synthetic.scalar.run", "experiments.synthetic.scalar.report"),
    "synthetic_overhead": ("experiments.synthetic.overhead.run", "experiments.synthetic.overhead.report"),
    "synthetic_large_block": ("experiments.synthetic.large_block.run", "experiments.synthetic.large_block.report"),
}


def name_of(table: dict[str, Any]) -> str:
    """Returns the name of the experiment that a config selects.

    Args:
        table: The raw tables of a config, or a result, which has the same key.

    Returns:
        The name, a key of EXPERIMENTS.

    Raises:
        ConfigError: The key `experiment` is missing or names no experiment.
    """
    name = table.get("experiment")
    if name not in EXPERIMENTS:
        raise ConfigError(f"'experiment' must be one of {', '.join(map(repr, EXPERIMENTS))}, got {name!r}; choose one.")
    return name


def runner(name: str) -> ModuleType:
    """Imports the module that runs an experiment.

    Args:
        name: A key of EXPERIMENTS.

    Returns:
        The module, which has `Config` and `run`.
    """
    return importlib.import_module(EXPERIMENTS[name][0])


def reporter(name: str) -> ModuleType:
    """Imports the module that reports an experiment.

    Args:
        name: A key of EXPERIMENTS.

    Returns:
        The module, which has `tables` and `plot`.
    """
    return importlib.import_module(EXPERIMENTS[name][1])
