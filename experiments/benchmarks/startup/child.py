"""Runs a command of the startup benchmark in a process of its own, and writes its peak memory to a file."""

import importlib
import sys
from pathlib import Path

from experiments.memory import peak_megabytes

PEAK = "peak.txt"

if __name__ == "__main__":
    if sys.argv[1] == "import":
        importlib.import_module(sys.argv[2])
        code = 0
    else:
        from recjax.cli import main as cli

        # Like the installed command, with its cache of compiled programs, but returns instead of ending the process.
        code = cli.exit_code(sys.argv[1:], own_process=True)
    Path(PEAK).write_text(str(peak_megabytes()), encoding="utf-8")
    sys.exit(code)
