"""What the commands of training and experiments share: errors as one sentence, and the folder that they write to."""

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


def output_folder(path: Path) -> Path:
    """The folder of --out, made if it is not there; ValueError if the path is a file."""
    if path.exists() and not path.is_dir():
        raise ValueError(f"--out must name a folder, got the file {path}; name another one.")
    path.mkdir(parents=True, exist_ok=True)
    return path
