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
        from recjax.cli import main

        sys.argv[0] = "recjax"
        # Without arguments, as the installed command calls it: so it keeps what it compiles.
        code = main()
    Path(PEAK).write_text(str(peak_megabytes()), encoding="utf-8")
    sys.exit(code)
