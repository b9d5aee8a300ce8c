"""Records commit, versions and device of a result, computes standard errors, and writes files atomically."""

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
    """Describes what a result was made with: commit, package versions and device; nothing names a person or a machine.

    Returns:
        A JSON-ready dictionary. None stands for what is unknown: the commit and uncommitted changes without git, and
        the versions of packages that are not installed.
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
    """Returns the widest vector instructions of the CPU, where Linux tells them."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return "unknown"
    return next((name for name, flag in _VECTORS.items() if flag in flags), "unknown")


def mean(values: Sequence[float] | np.ndarray) -> float:
    """Computes the average as a Python float.

    Args:
        values: The numbers.

    Returns:
        Their mean, computed in float64.
    """
    return float(np.mean(np.asarray(values, np.float64)))


def standard_error(values: Sequence[float] | np.ndarray) -> float | None:
    """Computes the standard error of the mean of independent values.

    Args:
        values: The numbers.

    Returns:
        The standard error, or None for fewer than two values.
    """
    values = np.asarray(values, np.float64)
    return float(values.std(ddof=1) / math.sqrt(values.size)) if values.size > 1 else None


def write_json(path: Path, result: dict[str, Any]) -> None:
    """Writes a result as JSON atomically, so that a reader never sees half of it.

    Args:
        path: The file; its folder is created if needed.
        result: The result.

    Raises:
        ValueError: A number is NaN or infinite, which JSON cannot represent.
    """
    place = _not_finite(result, "")
    if place:
        raise ValueError(f"{place} of {path.name} must be finite, as JSON has no other numbers; report it.")
    write_text(path, json.dumps(result, indent=1, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Writes a text file atomically, in UTF-8.

    Args:
        path: The file; its folder is created if needed.
        text: The content.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def _not_finite(value: Any, place: str) -> str | None:
    """Returns the dotted path and value of the first number that is not finite, or None."""
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
    """Returns the output of a git command in this repository; None outside a repository or without git."""
    here = Path(__file__).resolve().parent
    try:
        found = subprocess.run(["git", *arguments], cwd=here, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return found.stdout.strip() if found.returncode == 0 else None
