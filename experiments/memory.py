"""The memory of this process; without JAX, for processes that have none."""

from pathlib import Path


def peak_megabytes() -> float | None:
    """The most that this process had, where Linux tells; `resource` would tell of its parent's, too."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), None)
