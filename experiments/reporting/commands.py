"""The reference of the command line, from the parsers of its commands."""

import argparse
import warnings
from typing import Any

import tyro

from recjax.cli.commands import COMMANDS
from recjax.cli.main import SUMMARIES
from recjax.container.methods import METHODS

_OF_ALL = ("--help", "--json")
"""Options that every command has."""


def reference() -> str:
    """Renders all commands with their arguments and options, those of file methods apart.

    Returns:
        The reference as Markdown.
    """
    parts = []
    for name, summary in SUMMARIES.items():
        parser = _parser(COMMANDS[name], name, ())
        own = [action for action in parser._actions if not _of_a_method(action)]
        named = " ".join(str(action.metavar) for action in own if not action.option_strings)
        options = [action for action in own if not set(_OF_ALL) & set(action.option_strings)]
        parts.append(f"### `recjax {name}{' ' * bool(named)}{named}`\n\n{summary[0].upper()}{summary[1:]}.\n")
        if options:
            parts.append(_table(options))
    return "\n".join(parts)


def options_of_methods() -> str:
    """Renders the methods of `recjax compress` and the options that each has.

    Returns:
        Two tables as Markdown.
    """
    owners: dict[str, list[str]] = {}
    actions: dict[str, argparse.Action] = {}
    lines = ["| `--method` | what it is for | one image alone |", "| --- | --- | --- |"]
    for method in (one for one in METHODS.values() if one.chosen):
        alone = "yes" if method.decodes_one_alone else "after those before it"
        lines.append(f"| `{method.name}` | {method.summary} | {alone} |")
        for action in _parser(COMMANDS["compress"], "compress", ("--method", method.name))._actions:
            if _of_a_method(action):
                key = f"{action.option_strings} {action.metavar} {action.help}"
                actions.setdefault(key, action)
                owners.setdefault(key, []).append(f"`{method.name}`")
    rows = [f"{_row(action)[:-2]} | {', '.join(owners[key])} |" for key, action in actions.items()]
    head = ["| option | meaning | methods |", "| --- | --- | --- |"]
    return "\n".join(lines) + "\n\n" + "\n".join([*head, *rows]) + "\n"


def _parser(command: Any, name: str, arguments: tuple[str, ...]) -> Any:
    # That of argparse, or tyro's copy of it.
    if hasattr(command, "for_arguments"):
        command = command.for_arguments(arguments)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return tyro.extras.get_parser(command, prog=f"recjax {name}", config=(tyro.conf.DisallowNone,))


def _of_a_method(action: argparse.Action) -> bool:
    return "." in action.dest


def _table(actions: list[argparse.Action]) -> str:
    return "\n".join(["| option | meaning |", "| --- | --- |", *map(_row, actions)]) + "\n"


def _row(action: argparse.Action) -> str:
    names = list(action.option_strings) or [str(action.metavar)]
    if action.option_strings and isinstance(action.metavar, str):
        names[-1] += f" {action.metavar}"
    text = " ".join((action.help or "").replace("(required)", "").split())
    return f"| {', '.join(f'`{name}`' for name in names)} | {text} |".replace("*", r"\*")
