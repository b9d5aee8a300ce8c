"""A command of `startup` in a process of its own, which writes to a file how much memory it had."""

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

        # As the installed command, which keeps what it compiles, but does not end the process.
        code = cli.exit_code(sys.argv[1:], own_process=True)
    Path(PEAK).write_text(str(peak_megabytes()), encoding="utf-8")
    sys.exit(code)
