"""A command of `startup` in a process of its own, which says last on standard error how much memory it had."""

import importlib
import sys

from experiments.memory import peak_megabytes

if __name__ == "__main__":
    if sys.argv[1] == "import":
        importlib.import_module(sys.argv[2])
        code = 0
    else:
        from recjax.cli import main

        sys.argv[0] = "recjax"
        # Without arguments, as the installed command calls it: so it keeps what it compiles.
        code = main()
    print(peak_megabytes(), file=sys.stderr)
    sys.exit(code)
