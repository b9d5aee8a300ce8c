"""Which module runs an experiment and which one reports it; a config picks by `experiment = "NAME"`.

A runner has `Config`, a frozen dataclass, and `run(config, folder, console) -> dict`, with wall times in `seconds`.
A reporter has `tables(result) -> list[Table]` and `plot(result, path)`, from the JSON alone: it needs no JAX.
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
    """The experiment that a config asks for."""
    name = table.get("experiment")
    if name not in EXPERIMENTS:
        raise ConfigError(f"'experiment' must be one of {', '.join(map(repr, EXPERIMENTS))}, got {name!r}; choose one.")
    return name


def runner(name: str) -> ModuleType:
    """The module with `Config` and `run`."""
    return importlib.import_module(EXPERIMENTS[name][0])


def reporter(name: str) -> ModuleType:
    """The module with `tables` and `plot`."""
    return importlib.import_module(EXPERIMENTS[name][1])
