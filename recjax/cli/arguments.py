"""Parses what follows a command's name on the command line, by tyro, whose boxes of errors become one sentence."""

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
"""Narrowest terminal that help is laid out for, in characters."""

_UNWRAPPED = 100_000
"""A width at which tyro wraps no line."""

_SIMILAR = ("Perhaps you meant:", "Arguments similar to")

BY_DEFAULT = tyro.conf.arg(help_behavior_hint="")
"""Marks an option that is None unless it is given: its help says in words what that means."""

Flag = Annotated[bool, tyro.conf.FlagCreatePairsOff, tyro.conf.arg(help_behavior_hint="")]
"""An option that is off unless it is given, and that no other option turns off."""


def by_default(*lines: str, metavar: str | None = None) -> Any:
    """Marks an option as BY_DEFAULT does, and gives its help, which may be too long for one line of source.

    Args:
        *lines: Lines of the help, which become one paragraph.
        metavar: What stands for the value; None takes the name of its type.

    Returns:
        An annotation for tyro.
    """
    return tyro.conf.arg(help=" ".join(lines), help_behavior_hint="", metavar=metavar)


def parse(command: Any, name: str, arguments: Sequence[str]) -> Any:
    """Parses the arguments of a command.

    Args:
        command: The dataclass of the command; its class method `for_arguments`, if any, makes the one to parse.
        name: The name of the command.
        arguments: What follows the name.

    Returns:
        An instance of the dataclass.

    Raises:
        UsageError: The arguments are wrong.
        SystemExit: The arguments ask for help, which has been printed.
    """
    if hasattr(command, "for_arguments"):
        command = command.for_arguments(arguments)
    wants_help = not {"-h", "--help"}.isdisjoint(arguments)
    # In a narrow terminal tyro would print one letter per line.
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
    """Turns the box that tyro prints about wrong arguments into one sentence.

    Args:
        complaint: What tyro prints.
        name: The name of the command.

    Returns:
        The first paragraph of the box, the options that may be meant, and how to get help.
    """
    # Where the terminal can only show ASCII, the box has no sides, and its rules are made of hyphens.
    _, *lines = [line.strip("│╭╮╰╯").rstrip() for line in complaint.splitlines()] or [""]
    rules = [not set(line) - set(" ─-") for line in lines]
    said = list(dropwhile(itemgetter(1), zip(lines, rules, strict=True)))
    first = [line for line, _ in takewhile(lambda one: not one[1], said)]
    # tyro names each missing argument and prints its help below, indented further; that help is left out here.
    words = " ".join(line.strip() for line in first if not line.startswith(" " * 8)).rstrip(".")
    similar = [after.split() for line, after in pairwise(lines) if line.lstrip().startswith(_SIMILAR)]
    # tyro suggests options in the order of a set, which differs from run to run.
    meant = ", ".join(sorted(parts[0].rstrip(",") for parts in similar if parts))
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
