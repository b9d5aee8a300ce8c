"""The reference of the command line, from the parsers of its commands."""

import argparse
import warnings
from collections.abc import Iterable
from typing import Any

import tyro

from recjax.cli.commands import COMMANDS
from recjax.cli.main import SUMMARIES
from recjax.container.methods import METHODS

_OF_ALL = ("--help", "--json")
"""Options that every command has."""


def reference() -> str:
    """Renders all commands, and their arguments and options with the commands that have them.

    Options of file methods are left out; `options_of_methods` has them.

    Returns:
        Two tables as Markdown.
    """
    lines, own = ["| command | what it does |", "| --- | --- |"], []
    for name, summary in SUMMARIES.items():
        actions = [action for action in _parser(COMMANDS[name], name, ())._actions if not _of_a_method(action)]
        named = "".join(f" {action.metavar}" for action in actions if not action.option_strings)
        lines.append(f"| `recjax {name}{named}` | {summary} |")
        own += [(name, action) for action in actions if not set(_OF_ALL) & set(action.option_strings)]
    return "\n".join(lines) + "\n\n" + _shared(own, "commands")


def options_of_methods() -> str:
    """Renders the methods of `recjax compress`, and the options with the methods that have them.

    Returns:
        Two tables as Markdown.
    """
    lines, own = ["| `--method` | what it is for | one image alone |", "| --- | --- | --- |"], []
    for method in (one for one in METHODS.values() if one.chosen):
        lines.append(f"| `{method.name}` | {method.summary} | {'yes' if method.decodes_one_alone else 'no'} |")
        actions = _parser(COMMANDS["compress"], "compress", ("--method", method.name))._actions
        own += [(method.name, action) for action in actions if _of_a_method(action)]
    return "\n".join(lines) + "\n\n" + _shared(own, "methods")


def _shared(own: Iterable[tuple[str, argparse.Action]], owners: str) -> str:
    """A table of options, where those that mean the same stand once."""
    alike: dict[str, list[str]] = {}
    for name, action in own:
        alike.setdefault(_cells(action), []).append(f"`{name}`")
    rows = [f"| {cells} | {', '.join(names)} |" for cells, names in alike.items()]
    return "\n".join([f"| option | meaning | {owners} |", "| --- | --- | --- |", *rows]) + "\n"


def _parser(command: Any, name: str, arguments: tuple[str, ...]) -> Any:
    # That of argparse, or tyro's copy of it.
    if hasattr(command, "for_arguments"):
        command = command.for_arguments(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return tyro.extras.get_parser(command, prog=f"recjax {name}", config=(tyro.conf.DisallowNone,))


def _of_a_method(action: argparse.Action) -> bool:
    return "." in action.dest


def _cells(action: argparse.Action) -> str:
    names = list(action.option_strings) or [str(action.metavar)]
    if action.option_strings and isinstance(action.metavar, str):
        names[-1] += f" {action.metavar}"
    text = " ".join((action.help or "").replace("(required)", "").split())
    return f"{', '.join(f'`{name}`' for name in names)} | {text}".replace("*", r"\*")
