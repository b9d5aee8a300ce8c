"""Prints text for people on a terminal, safely.

Names that files and users supply are shown, but their control characters never reach the terminal.
"""

import sys
from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from typing import Any, TextIO


def quoted(name: object) -> str:
    """Shows a name as it is, or in quotes with backslash escapes if it has characters that cannot be seen.

    Quoted are names with control or format characters, lone surrogates or spaces at an end, and the empty name.

    Args:
        name: The name, as `str` shows it.

    Returns:
        Printable text on one line.
    """
    text = str(name)
    return text if text and text.isprintable() and text == text.strip() else repr(text)


def escaped(text: str) -> str:
    """Replaces all characters that are not printable by backslash escapes.

    Args:
        text: Any text.

    Returns:
        The text on one line, without escape sequences for the terminal.
    """
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def say(text: str, stream: TextIO | None = None) -> None:
    """Prints a line at once, with all characters that are not printable escaped.

    Args:
        text: The line, without its end.
        stream: Where to print; standard output if None.

    Raises:
        OSError: If the line cannot be written; the error names standard output.
    """
    _print(escaped(text), stream)


def say_json(facts: Mapping[str, Any], stream: TextIO | None = None) -> None:
    """Prints a JSON object at once, indented and in ASCII.

    Args:
        facts: The object; numbers that JSON does not have (infinities and NaN) are printed as null.
        stream: Where to print; standard output if None.

    Raises:
        OSError: If the object cannot be written; the error names standard output.
    """
    import json

    _print(json.dumps(_finite(facts), indent=2, allow_nan=False), stream)


def tell(line: str, facts: Mapping[str, Any], as_json: bool, stream: TextIO | None = None) -> None:
    """Prints the result of a command, as a line for people or as JSON for programs.

    Args:
        line: The line for people.
        facts: The same result as a JSON object.
        as_json: Whether to print `facts` instead of `line`.
        stream: Where to print; standard output if None.

    Raises:
        OSError: If the result cannot be written; the error names standard output.
    """
    if as_json:
        say_json(facts, stream)
    else:
        say(line, stream)


def flush() -> None:
    """Flushes standard output.

    Raises:
        OSError: If what was printed cannot be written; the error names standard output.
    """
    _print("", None, end="")


def complain(text: str) -> None:
    """Prints a message of recjax on standard error; does nothing if that is closed or cannot be written to.

    Args:
        text: The message; each of its lines is printed with characters that are not printable escaped.
    """
    _complain(f"recjax: {escaped(text)}")


def complain_of_all(error: BaseException) -> None:
    """Prints an error with its traceback on standard error; does nothing if that is closed or cannot be written to.

    Args:
        error: The exception.
    """
    import traceback

    _complain("".join(traceback.format_exception(error)))


def _print(text: str, stream: TextIO | None, end: str = "\n") -> None:
    try:
        print(text, end=end, file=stream, flush=True)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OSError(error.errno, error.strerror, "standard output") from error


def _complain(text: str) -> None:
    if sys.stderr is None:
        # With None, print() would write to standard output instead.
        return
    with suppress(OSError):
        for line in text.splitlines():
            print(escaped(line), file=sys.stderr, flush=True)


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _finite(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(one) for one in value]
    return None if isinstance(value, float) and not isfinite(value) else value
