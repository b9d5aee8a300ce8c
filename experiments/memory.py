"""Measures the memory of this process on Linux; imports no JAX, so that processes without JAX can use it."""

from contextlib import suppress
from pathlib import Path


def peak_megabytes() -> float | None:
    """Returns the peak resident memory in MiB since the start of the process or the last `forget_peak`.

    It is read from /proc because the peak that the module `resource` reports includes that of the parent process.

    Returns:
        The peak, or None if the system does not tell.
    """
    return _status("VmHWM:")


def megabytes() -> float | None:
    """Returns the resident memory of this process in MiB, or None if the system does not tell."""
    return _status("VmRSS:")


def forget_peak() -> None:
    """Resets the peak that `peak_megabytes` reports to the memory in use now."""
    with suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")


def _status(key: str) -> float | None:
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith(key)), None)
