"""What stands beside every figure: commit, versions, device and standard errors; JSON written in one piece."""

import importlib.metadata
import json
import math
import os
import platform
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from recjax.io.atomic import write_atomically

_VECTORS = {"AVX-512": "avx512f", "AVX2": "avx2", "NEON": "asimd"}
PACKAGES = ("recjax", "jax", "jaxlib", "flax", "optax", "numpy", "pillow")


def provenance() -> dict[str, Any]:
    """With what a result was made: commit, package versions, device; nothing that names a person or a machine.

    None stands for what is not known: commit and changes without git, versions of packages that are not installed.
    """
    device, changes = jax.devices()[0], _git("status", "--porcelain")
    return {
        "commit": _git("rev-parse", "HEAD"),
        "uncommitted_changes": None if changes is None else bool(changes),
        "versions": {"python": platform.python_version()} | {name: _version(name) for name in PACKAGES},
        "device": {
            "backend": device.platform,
            "kind": device.device_kind,
            "count": jax.device_count(),
            "machine": platform.machine(),
            "vectors": _vectors(),
            "cpu_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        },
    }


def _vectors() -> str:
    """The widest vector instructions of the CPU, where Linux tells."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown"
    return next((name for name, flag in _VECTORS.items() if flag in flags), "unknown")


def mean(values: Sequence[float] | np.ndarray) -> float:
    """The average as a Python float."""
    return float(np.mean(np.asarray(values, np.float64)))


def standard_error(values: Sequence[float] | np.ndarray) -> float | None:
    """Standard error of the mean of independent values; None for fewer than two."""
    values = np.asarray(values, np.float64)
    return float(values.std(ddof=1) / math.sqrt(values.size)) if values.size > 1 else None


def write_json(path: Path, result: dict[str, Any]) -> None:
    """Write in one piece, so that a reader never sees half a result; ValueError for NaN and infinity: JSON has none."""
    place = _not_finite(result, "")
    if place:
        raise ValueError(f"{place} of {path.name} must be finite, as JSON has no other numbers; report it.")
    write_text(path, json.dumps(result, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write in one piece, in a folder that is made if it is not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def _not_finite(value: Any, place: str) -> str | None:
    """Dotted path of the first number that is not finite."""
    if isinstance(value, float):
        return None if math.isfinite(value) else f"{place} ({value})"
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list | tuple) else ()
    found = (_not_finite(entry, f"{place}.{key}".lstrip(".")) for key, entry in entries)
    return next(filter(None, found), None)


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git(*arguments: str) -> str | None:
    """Output of git in this repository; None outside one or without git."""
    here = Path(__file__).resolve().parent
    try:
        found = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
