"""What follows a command's name on the command line: parsed by tyro, whose boxes of errors become one sentence."""

import contextlib
import io
import os
import shutil
from collections.abc import Iterator, Sequence
from itertools import dropwhile, pairwise, takewhile
from operator import itemgetter
from typing import Annotated, Any

import tyro

from recjax.errors import UsageError

_LEAST_COLUMNS = 60
_UNWRAPPED = 100_000
_SIMILAR = ("Perhaps you meant:", "Arguments similar to")

BY_DEFAULT = tyro.conf.arg(help_behavior_hint="")
"""Marks an option that is None unless it is given: its help says in words what that means."""

Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")]
"""An option that is off unless it is given, and has no opposite."""


def by_default(*lines: str) -> Any:
    """As BY_DEFAULT, with a help of several lines, of which tyro does not make one paragraph in a docstring."""
    return tyro.conf.arg(help=" ".join(lines), help_behavior_hint="")


def parse(command: Any, name: str, arguments: Sequence[str]) -> Any:
    """The command that arguments describe. UsageError if they are wrong; SystemExit once help has been printed."""
    if hasattr(command, "for_arguments"):
        command = command.for_arguments(arguments)
    wants_help = not {"-h", "--help"}.isdisjoint(arguments)
    # tyro puts one letter in a line where a terminal is narrow.
    columns = max(_LEAST_COLUMNS, shutil.get_terminal_size().columns) if wants_help else _UNWRAPPED
    complaint = io.StringIO()
    try:
        with _columns(columns), contextlib.redirect_stderr(complaint):
            return tyro.cli(command, prog=f"recjax {name}", args=arguments, config=(tyro.conf.DisallowNone,))
    except SystemExit as stop:
        if not stop.code:
            raise
        raise UsageError(usage_sentence(complaint.getvalue(), name)) from None


def usage_sentence(complaint: str, name: str) -> str:
    """What tyro says in a box, as one line: its first paragraph, options that may be meant, and where to read on."""
    # In a terminal of ASCII the box has no sides, and its rules are of hyphens.
    _, *lines = [line.strip("│╭╮╰╯").rstrip() for line in complaint.splitlines()] or [""]
    rules = [not set(line) - set(" ─-") for line in lines]
    said = list(dropwhile(itemgetter(1), zip(lines, rules, strict=True)))
    first = [line for line, _ in takewhile(lambda one: not one[1], said)]
    # What is missing is named; its help, which tyro puts below it, is indented further and is left out.
    words = " ".join(line.strip() for line in first if not line.startswith(" " * 8)).rstrip(".")
    similar = [after.split() for line, after in pairwise(lines) if line.lstrip().startswith(_SIMILAR)]
    # tyro goes through a set of what it does not know.
    meant = ", ".join(sorted(found[0].rstrip(",") for found in similar if found))
    return f"{words}{f' (perhaps {meant})' if meant else ''}; see `recjax {name} --help`."


@contextlib.contextmanager
def _columns(number: int) -> Iterator[None]:
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(number)
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
