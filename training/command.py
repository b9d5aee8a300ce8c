"""What the commands of training and experiments share: errors as one sentence, and the folder that they write to."""

import argparse
import json
import sys
import traceback
from collections.abc import Callable, Container, Mapping
from pathlib import Path
from typing import Any

from recjax.cli.main import BAD_INPUT, FINE, INTERRUPTED, sentence


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


def require_no_model(out: Path, name: str, *, force: bool) -> None:
    """Makes the folder of --out, and checks that a model of a name can be released there.

    Raises:
        ValueError: the name is empty or contains a folder, or such a model exists and `force` is not set.
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
    """Checks that a run may write its model to a path: what is there, if anything, is a model of the same run.

    Args:
        path: of the model.
        stated: what the card of the run's model will say of its data and settings.
        card_of: reads the card of a model.
        free: names of settings of the training that may differ.

    Raises:
        ValueError: if the model there is of other data or settings, or states none.
    """
    if not path.exists():
        return
    card, fixed = card_of(path), json.loads(json.dumps(stated))
    fixed["train"] = {name: value for name, value in fixed["train"].items() if name not in free}
    other = [name for name, value in fixed.items() if _differs(value, card.get(name))]
    if other:
        raise ValueError(f"{path} is a model of other {', '.join(other)}; name another folder by --out.")


def _differs(wanted: Any, found: Any) -> bool:
    if isinstance(wanted, dict) and isinstance(found, dict):
        # Settings that are younger than the card had their defaults.
        return any(_differs(value, found[name]) for name, value in wanted.items() if name in found)
    return wanted != found
