"""The command line: `main` picks the command and turns errors into one sentence and an exit code.

The top help is plain text and each command is imported when it is called, so that help and bad usage answer at once.
"""

import contextlib
import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence

from recjax.errors import UsageError

FINE, BAD_INPUT, USAGE, INTERRUPTED, NO_READER = 0, 1, 2, 130, 141

_ADVICE = {errno.ENOSPC: "make room on the disk", errno.EDQUOT: "make room within your quota"}

SUMMARIES = {
    "compress": "compress images to a file, and decode it to make sure",
    "decompress": "write the images of a file, or one of them",
    "info": "print what a file holds, without decoding it",
    "verify": "decode a file and report whether it is good",
    "models": "list the released models",
    "doctor": "print versions and devices, and run a quick self-test",
    "bench": "measure how fast this machine is",
}
_LIST = "\n".join(f"  {name:12}{summary}" for name, summary in SUMMARIES.items())
HELP = f"""\
usage: recjax COMMAND ...

Compress images with learned models and get the same images back, bit for bit, or lossy ones by --method inr.

commands (recjax COMMAND --help says more):
{_LIST}

options:
  -h, --help  print this help
  --version   print the version
  --debug     with any command: print the traceback of an error

examples:
  recjax compress digits.npy digits.rjx
  recjax compress scans/ scans.rjx --method orc --model runs/scans
  recjax decompress digits.rjx digits.npy
  recjax decompress scans.rjx seventeenth.png --index 17 --model runs/scans
  recjax verify digits.rjx --against digits.npy
  recjax compress photo.png photo.rjx --method inr --bpp 0.5

Images are a PNG, a folder of PNGs, or an .npy of uint8 [count, height, width] or [count, height, width, 3].
bb-ans and bb-ans-rec make the smallest files of many images; with all other methods each can be decoded alone.
Compiled programs are kept in ~/.cache/recjax for the next call; RECJAX_CACHE names another folder, or "off", and
RECJAX_CACHE_BYTES limits it (1073741824). `recjax doctor` shows it, and with --clear-cache empties it.
Exit codes: 0 fine, 1 bad input, 2 wrong usage, 130 interrupted, 141 nobody read the output.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command line and return its exit code; by default that of the process, which keeps what it compiles."""
    try:
        code = _run(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read the output, such as `head`, has enough of it.
        _abandon_output()
        return NO_READER
    except OSError as error:
        print(f"recjax: the output cannot be written: {sentence(error)}", file=sys.stderr)
        _abandon_output()
        return BAD_INPUT
    return code


def _abandon_output() -> None:
    """At its end, Python would try to write it once more, and complain."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _run(arguments: Sequence[str] | None) -> int:
    own_process = arguments is None
    arguments = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        print(HELP, end="")
        return FINE if arguments else USAGE
    if arguments[0] == "--version":
        from recjax import __version__

        print(f"recjax {__version__}")
        return FINE
    name, *rest = arguments
    if name not in SUMMARIES:
        print(f"recjax: there is no command {name!r}; choose from {', '.join(SUMMARIES)}.", file=sys.stderr)
        return USAGE
    import tyro

    from recjax.commands import COMMANDS

    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            command = tyro.cli(COMMANDS[name], prog=f"recjax {name}", args=rest)
    except SystemExit as stop:
        if stop.code:
            print(f"recjax: {usage_sentence(complaint.getvalue(), name)}", file=sys.stderr)
        return USAGE if stop.code else FINE
    if own_process:
        from recjax import compile_cache

        compile_cache.keep()
    try:
        command.run()
    except UsageError as error:
        print(f"recjax: {sentence(error)}", file=sys.stderr)
        return USAGE
    except BrokenPipeError:
        # Not a fault of the command; `main` ends it without a word.
        raise
    except KeyboardInterrupt:
        print("recjax: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except Exception as error:
        if debug:
            traceback.print_exc()
        else:
            print(f"recjax: {sentence(error)}", file=sys.stderr)
        return BAD_INPUT
    return FINE


def usage_sentence(complaint: str, name: str) -> str:
    """What tyro says in a box, as one line: its first paragraph, and where to read on."""
    words: list[str] = []
    for line in complaint.splitlines():
        text = line.strip("│╭╮╰╯ ")
        if words and text.startswith(("──", "Got errors")):
            break
        # What is missing is named; its help, which tyro puts below it, is indented further and is left out.
        if text and "─" not in text and not line.startswith("│         "):
            words.append(text)
    return f"{' '.join(words).rstrip('.')}; see `recjax {name} --help`."


def sentence(error: Exception) -> str:
    """An error as one line for a person."""
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{error.filename}: "
        return f"{place}{error.strerror}; {_ADVICE.get(error.errno or 0, 'check the path and its permissions')}."
    text = " ".join(str(error).split())
    if isinstance(error, ValueError):
        return text
    return f"unexpected {type(error).__name__} ({text[:200]}); report it with the output of --debug."


if __name__ == "__main__":
    sys.exit(main())
