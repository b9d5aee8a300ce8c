"""What the commands of training and experiments share: errors as one sentence, and the folder that they write to."""

import argparse
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from recjax.cli import BAD_INPUT, FINE, INTERRUPTED, sentence


def guarded(name: str, action: Callable[[], object], *, debug: bool = False) -> int:
    """Run the action of a command and return its exit code.

    What a user can mend (ValueError, OSError, a loss that is no longer finite) becomes one sentence on stderr after
    `name`, or the traceback with `debug`. Other errors are bugs and pass.
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
            told = error if isinstance(error, OSError) else ValueError(str(error))
            print(f"{name}: {sentence(told)}", file=sys.stderr)
        return BAD_INPUT
    return FINE


def parser_of(name: str, text: str | None) -> argparse.ArgumentParser:
    """The parser of a module's command, whose help is the module's text: a summary, and then examples as they stand."""
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
    """The folder of --out, made if it is not there; ValueError if the path is a file."""
    if path.exists() and not path.is_dir():
        raise ValueError(f"--out must name a folder, got the file {path}; name another one.")
    path.mkdir(parents=True, exist_ok=True)
    return path
