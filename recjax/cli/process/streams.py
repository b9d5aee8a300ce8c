"""Prepares the standard streams of a process, so that no file name and no closed stream can end it with an error."""

import os
import sys
from io import TextIOWrapper


def prepare() -> None:
    """Opens standard streams that are closed, and makes output replace characters that its encoding lacks by escapes.

    If a stream stayed closed, the next file that is opened would take its number, and get what libraries print. A
    closed standard output is replaced by one that cannot be written to, so that lost output is an error.
    """
    for number, mode in ((0, os.O_RDONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, mode)
    # Python sets these to None if they were closed when it started.
    sys.stdout = sys.stdout or open(1, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(2, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
