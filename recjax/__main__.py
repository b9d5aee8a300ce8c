"""The process of the command line: `recjax`, and `python -m recjax`.

Interrupts end it from its first line on, also while modules are imported, where an exception would print a traceback.
"""

import signal

if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def main() -> None:
    """Runs the command line of this process, which ends here."""
    from recjax.cli import main as cli

    cli.main()


if __name__ == "__main__":
    main()
