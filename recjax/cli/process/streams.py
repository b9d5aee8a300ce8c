"""The standard streams of a process of the command line, such that no name and no closed stream can end it."""

import os
import sys
from io import TextIOWrapper


def prepare() -> None:
    """Opens streams that are closed, and lets those for output show as escapes what their encoding does not have.

    Otherwise the next file that is opened would take the number of a closed stream, and get what libraries print. A
    closed standard output becomes one that cannot be written, so that what is lost with it is an error.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    # Python has none for those that were closed.
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
