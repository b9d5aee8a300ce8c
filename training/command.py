"""Helpers that the commands of training and experiments share: error messages, exit codes and output folders."""

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any

from recjax.cli.main import BAD_INPUT, FINE, INTERRUPTED, sentence


def guarded(name: str, action: Callable[[], object], *, debug: bool = False) -> int:
    """Runs the action of a command and turns its errors into an exit code.

    Errors that a user can mend (ValueError, OSError, a loss that is no longer finite) become one sentence on stderr.
    Other errors are bugs and pass through.

    Args:
        name: The name of the command, which the sentence begins with.
        action: The action.
        debug: Whether to print the traceback instead of a sentence.

    Returns:
        The exit code.
    """
    try:
        action()
    except KeyboardInterrupt:
        print(f"{name}: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except (ValueError, OSError, FloatingPointError) as error:
        if debug:
            traceback.print_exc()
        else:
            reported = error if isinstance(error, OSError) else ValueError(str(error))
            print(f"{name}: {sentence(reported)}", file=sys.stderr)
        return BAD_INPUT
    return FINE


def parser_of(name: str, text: str | None) -> argparse.ArgumentParser:
    """Makes the argument parser of a command whose help is the docstring of its module.

    Args:
        name: The name of the module.
        text: The docstring: a summary and, after an empty line, examples, which are shown unchanged.

    Returns:
        A parser that has the option --debug.
    """
    summary, _, examples = (text or "").partition("\n\n")
    parser = argparse.ArgumentParser(
        prog=f"python -m {name}",
        description=summary,
        epilog=examples,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    return parser


def output_folder(path: Path) -> Path:
    """Makes the folder that --out names, if it does not exist.

    Args:
        path: The path of the folder.

    Returns:
        The path.

    Raises:
        ValueError: The path is a file.
    """
    if path.exists() and not path.is_dir():
        raise ValueError(f"--out must name a folder, got the file {path}; name another one.")
    path.mkdir(parents=True, exist_ok=True)
    return path


def require_no_model(out: Path, name: str, *, force: bool) -> None:
    """Makes the folder that --out names, and checks that a model can be released there under a name.

    Args:
        out: The folder.
        name: The name of the model.
        force: Whether a model of this name may be replaced.

    Raises:
        ValueError: The name is empty or contains a folder, or such a model exists and `force` is not set.
    """
    folder = output_folder(out)
    if not name or Path(name).name != name:
        raise ValueError(f"--name must be that of a file without folders, got {name!r}; change it.")
    there = [path for suffix in (".safetensors", ".json") if (path := folder / f"{name}{suffix}").exists()]
    if there and not force:
        raise ValueError(f"{there[0]} exists; name another model or folder, or add --force to replace it.")


def require_same_run(
    path: Path,
    stated: Mapping[str, Any],
    card_of: Callable[[Path], Mapping[str, Any]],
    *,
    free: Container[str] = (),
) -> None:
    """Checks that a run may write its model to a path: a model that is already there must be of the same run.

    Args:
        path: The path of the model.
        stated: What the card of the run's model will say about its data and settings.
        card_of: A function that reads the card of a model file.
        free: The names of training settings that may differ.

    Raises:
        ValueError: The model that is there has other data or settings, or does not state them.
    """
    if not path.exists():
        return
    card, fixed = card_of(path), json.loads(json.dumps(stated))
    fixed["train"] = {name: value for name, value in fixed["train"].items() if name not in free}
    differing = [name for name, value in fixed.items() if _differs(value, card.get(name))]
    if differing:
        raise ValueError(f"{path} is a model of other {', '.join(differing)}; name another folder by --out.")


def _differs(expected: Any, actual: Any) -> bool:
    if isinstance(expected, dict) and isinstance(actual, dict):
        # A setting that the card does not state was added later: the run had its default.
        return any(_differs(value, actual[name]) for name, value in expected.items() if name in actual)
    return expected != actual
