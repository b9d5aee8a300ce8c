"""The memory of this process, where Linux tells; without JAX, for processes that have none."""

from contextlib import suppress
from pathlib import Path


def peak_megabytes() -> float | None:
    """The most that this process had since its start, or since `forget_peak`; `resource` tells of its parent's, too."""
    return _status("VmHWM:")


def megabytes() -> float | None:
    """What this process has now."""
    return _status("VmRSS:")


def forget_peak() -> None:
    """From here on the peak is a new one."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def _status(key: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key)), None)
