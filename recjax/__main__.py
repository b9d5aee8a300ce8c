"""Starts the command line as a process: `recjax`, or `python -m recjax`.

Ctrl-C ends the process quietly from its first line on, also while modules are imported, where an exception would print
a traceback.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Runs the command line on the arguments of this process, and ends the process."""
    from recjax.cli import main as cli

    cli.main()


if __name__ == "__main__":
    main()
