"""Text for people on a terminal: names that files and users supply are shown, and never obeyed by the terminal."""

import sys
from collections.abc import Mapping
from contextlib import suppress
from math import isfinite
from typing import Any, TextIO


def quoted(name: object) -> str:
    """Shows a name: as it is, or in quotes with backslash escapes where it holds what cannot be seen.

    Control and format characters, lone surrogates, and spaces at an end cannot; nor can an empty name.
    """
    text = str(name)
    return text if text and text.isprintable() and text == text.strip() else repr(text)


def escaped(text: str) -> str:
    """Replaces all that is not printable, so that the text is one line and holds no escape sequence."""
    return "".join(one if one.isprintable() else repr(one)[1:-1] for one in text)


def say(text: str, stream: TextIO | None = None) -> None:
    """Prints a line on standard output, or another stream, at once, with what is not printable escaped."""
    _print(escaped(text), stream)


def say_json(facts: Mapping[str, Any], stream: TextIO | None = None) -> None:
    """Prints one JSON object, as `say`: in ASCII, with null for numbers that JSON does not have."""
    import json

    _print(json.dumps(_finite(facts), indent=2, allow_nan=False), stream)


def tell(line: str, facts: Mapping[str, Any], as_json: bool, stream: TextIO | None = None) -> None:
    """Prints the result of a command, as `say`: a line for people, or the same for programs."""
    if as_json:
        say_json(facts, stream)
    else:
        say(line, stream)


def flush() -> None:
    """Writes what has been printed on standard output; OSError, with its name, if that cannot be."""
    _print("", None, end="")


def complain(text: str) -> None:
    """Prints a line of recjax on standard error, if that can be."""
    _complain(f"recjax: {escaped(text)}")


def complain_of_all(error: BaseException) -> None:
    """Prints the traceback of an error, as `complain`."""
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
        # Where print() would take standard output.
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
