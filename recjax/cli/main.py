"""The command line: `main` picks the command, and turns errors into one sentence and an exit code.

The top help is plain text, and each command is imported when it is called, so that help and wrong usage answer at once.
"""

import errno
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from recjax.cli.process import streams
from recjax.errors import UsageError
from recjax.io import interrupts
from recjax.text import complain, complain_of_all, escaped, flush, quoted, say

FINE, BAD_INPUT, USAGE, INTERRUPTED, NO_READER = 0, 1, 2, 130, 141
"""Exit codes: success, bad input, wrong usage, interrupted, and nobody reads the output."""

_WITHOUT_JAX = ("info", "models")
"""Commands that do not import JAX, and so have no compiled programs to keep."""

_ADVICE = {errno.ENOSPC: "make room on the disk", errno.EDQUOT: "make room within your quota"}
"""What a user can do about an error of the operating system, by its number."""

SUMMARIES = {
    "compress": "compress images to a file, and decode it to make sure",
    "decompress": "write the images of a file, or one of them",
    "info": "print what a file holds, without decoding it",
    "verify": "decode a file and report whether it is good",
    "models": "list the released models",
    "doctor": "print versions and devices, and run a quick self-test",
    "bench": "measure how fast this machine is",
}
"""What each command does, by its name."""

_LIST = "\n".join(f"  {name:12}{summary}" for name, summary in SUMMARIES.items())
HELP = f"""\
usage: recjax COMMAND ...

Compress images with learned models and get the same images back, bit for bit, or lossy ones by --method inr.

commands (recjax COMMAND --help says more):
{_LIST}

options:
  -h, --help  print this help
  --version   print the version
  --json      with any command: print one JSON object on standard output
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
Exit codes: 0 fine, 1 bad input, 2 wrong usage, 129 terminal closed, 130 interrupted, 141 nobody read the output,
143 terminated.
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command line.

    Without arguments it runs that of the process and ends the process. It then sets up streams and signals, keeps
    compiled programs, and does not wait for the threads of XLA, which may abort while the interpreter shuts down.

    Args:
        arguments: The command and its arguments; None takes those of the process.

    Returns:
        The exit code.
    """
    if arguments is not None:
        return exit_code(list(arguments), own_process=False)
    streams.prepare()
    interrupts.end_at_signals()
    os._exit(exit_code(sys.argv[1:], own_process=True))


def exit_code(arguments: list[str], own_process: bool) -> int:
    """Runs a command line, and reports an error as a sentence on standard error.

    Args:
        arguments: The command and its arguments.
        own_process: Whether the process is there for this command alone, so that it may keep compiled programs.

    Returns:
        The exit code.
    """
    debug = "--debug" in arguments
    arguments = [argument for argument in arguments if argument != "--debug"]
    try:
        code = _run(arguments, own_process)
        flush()
        return code
    except BrokenPipeError:
        # The reader of the output, such as `head`, has closed it.
        return NO_READER
    except KeyboardInterrupt:
        complain("interrupted.")
        return INTERRUPTED
    except Exception as error:
        if debug:
            complain_of_all(error)
        else:
            complain(sentence(error))
        return USAGE if isinstance(error, UsageError) else BAD_INPUT


def _run(arguments: list[str], own_process: bool) -> int:
    if not arguments or arguments[0] in ("-h", "--help", "help"):
        for line in HELP.splitlines():
            say(line)
        return FINE if arguments else USAGE
    if arguments[0] == "--version":
        from recjax.version import __version__

        say(f"recjax {__version__}")
        return FINE
    name, *rest = arguments
    if name not in SUMMARIES:
        raise UsageError(f"there is no command {name!r}{_similar(name)}; choose from {', '.join(SUMMARIES)}.")
    from recjax.cli.arguments import parse
    from recjax.cli.commands import COMMANDS

    try:
        command = parse(COMMANDS[name], name, rest)
    except SystemExit:
        # Help was printed.
        return FINE
    # The command that deletes the compiled programs must not use them, or complain about their folder.
    if not own_process or name in _WITHOUT_JAX or getattr(command, "clear_cache", False):
        command.run()
        return FINE
    with _programs_kept():
        command.run()
    return FINE


def _similar(name: str) -> str:
    from difflib import get_close_matches

    matches = get_close_matches(name, SUMMARIES, 1)
    return f" (perhaps {matches[0]})" if matches else ""


@contextmanager
def _programs_kept() -> Iterator[None]:
    from recjax.cli.process import compile_cache

    # Warnings of JAX about its cache are long, and no file depends on the cache.
    warnings.filterwarnings("ignore", "Error (reading|writing) persistent compilation cache")
    kept = compile_cache.keep()
    try:
        yield
    finally:
        if kept is not None:
            compile_cache.limit(kept)


def sentence(error: Exception) -> str:
    """Describes an error in one line for a person.

    Args:
        error: The error.

    Returns:
        The sentence.
    """
    if isinstance(error, OSError) and error.strerror:
        place = "" if error.filename is None else f"{quoted(error.filename)}: "
        return f"{place}{error.strerror}; {_ADVICE.get(error.errno or 0, 'check the path and its permissions')}."
    if isinstance(error, ValueError):
        return escaped(str(error))
    text = escaped(" ".join(str(error).split()))
    return f"unexpected {type(error).__name__} ({text[:200]}); report it with the output of --debug."
