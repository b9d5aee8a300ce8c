"""Which module runs an experiment and which one reports it; a config picks by `experiment = "NAME"`.

A runner has `Config`, a frozen dataclass, and `run(config, folder, console) -> dict`, with wall times in `seconds`.
A reporter has `tables(result) -> list[Table]` and `plot(result, path)`, from the JSON alone: it needs no JAX.
"""

import importlib
from types import ModuleType
from typing import Any

from experiments.config import ConfigError

EXPERIMENTS = {
    "quickstart": ("experiments.quickstart", "experiments.quickstart_report"),
    "mnist_bb_ans": ("experiments.mnist_bb_ans", "experiments.mnist_bb_ans_report"),
    "mnist_partition": ("experiments.mnist_partition", "experiments.mnist_partition_report"),
    "mnist_isokl": ("experiments.mnist_isokl", "experiments.mnist_isokl_report"),
    "mnist_counts": ("experiments.mnist_counts", "experiments.mnist_counts_report"),
    "mnist_context": ("experiments.mnist_context", "experiments.mnist_context_report"),
    "mnist_arithmetic": ("experiments.mnist_arithmetic", "experiments.mnist_arithmetic_report"),
    "cifar10_rate_distortion": ("experiments.rate_distortion", "experiments.rate_distortion_report"),
    "kodak_rate_distortion": ("experiments.rate_distortion", "experiments.rate_distortion_report"),
    "fuzz_files": ("experiments.fuzz_files", "experiments.fuzz_report"),
    "bench_candidates": ("experiments.benchmarks.candidates", "experiments.benchmarks.report"),
    "bench_coder": ("experiments.benchmarks.speeds", "experiments.benchmarks.speeds_report"),
    "bench_costs": ("experiments.benchmarks.costs", "experiments.benchmarks.costs_report"),
    "bench_device": ("experiments.benchmarks.device", "experiments.benchmarks.device_report"),
    "bench_files": ("experiments.benchmarks.files", "experiments.benchmarks.files_report"),
    "bench_startup": ("experiments.benchmarks.startup", "experiments.benchmarks.startup_report"),
    "bench_training": ("experiments.benchmarks.speeds", "experiments.benchmarks.speeds_report"),
    "synthetic_partition": ("experiments.synthetic_partition", "experiments.synthetic_partition_report"),
    "synthetic_ablation": ("experiments.synthetic_ablation", "experiments.synthetic_ablation_report"),
    "synthetic_scalar": ("experiments.synthetic_scalar", "experiments.synthetic_scalar_report"),
    "synthetic_overhead": ("experiments.synthetic_overhead", "experiments.synthetic_overhead_report"),
    "synthetic_large_block": ("experiments.synthetic_large_block", "experiments.synthetic_large_block_report"),
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
