"""Searches for files that break a decoder, guided by code coverage (libFuzzer, through atheris).

    pip install -e ".[fuzz]"
    python -m experiments.fuzzing.guided --seconds 600 --folder runs/guided

Starts from the reference files and from the corpus that an earlier search left in FOLDER. Keeps inputs that reach new
code in FOLDER/corpus, counts in FOLDER/result.json, and an input that breaks a decoder in FOLDER/crash-*; such an input
ends the search with an error.
"""

import argparse
import importlib.util
import json
import random
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from recjax.errors import UsageError
from training.command import guarded, parser_of

_INSTRUMENTED = ["recjax.container.chunks", "recjax.container.file", "recjax.container.varint", "recjax.codecs"]
_EVERY_SECONDS = 1.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Searches until the time is up.

    Args:
        arguments: Command line; None for that of the process.

    Returns:
        0, or 1 after one sentence on stderr.
    """
    parser = parser_of("experiments.fuzzing.guided", __doc__)
    parser.add_argument("--seconds", type=int, default=600, help="how long to search (default 600)")
    parser.add_argument("--folder", type=Path, default=Path("runs/guided"), help="where files and counts are kept")
    parser.add_argument("--models", nargs="+", default=["digits", "cifar10"], help="of which reference files begin")
    options = parser.parse_args(arguments)
    return guarded("experiments.fuzzing.guided", lambda: _search(options), debug=options.debug)


def _search(options: argparse.Namespace) -> None:
    if importlib.util.find_spec("atheris") is None:
        raise UsageError('atheris is not installed; `pip install -e ".[fuzz]"` brings it.')
    import atheris  # pyright: ignore[reportMissingImports]

    # Instrumentation works only at the first import of a module.
    with atheris.instrument_imports(include=_INSTRUMENTED):  # pyright: ignore[reportAttributeAccessIssue]
        from recjax.codecs.decompress import decompress
    from experiments.fuzzing import attack, mutations
    from recjax.conformance import check as conformance
    from recjax.io.atomic import write_atomically

    corpus = options.folder / "corpus"
    corpus.mkdir(parents=True, exist_ok=True)
    begin = {one.name: one.data for one in conformance.references() if one.model in options.models}
    if not begin:
        raise UsageError(f"no reference file is of {', '.join(options.models)}; see `recjax models`.")

    def decode(data: bytes) -> np.ndarray:
        return decompress(data, max_bytes=attack.MAX_BYTES)

    for name, data in begin.items():
        (corpus / name).write_bytes(data)
        decode(data)
    result, written = options.folder / "result.json", [0.0]
    result.unlink(missing_ok=True)
    start = time.perf_counter()
    with attack.watched(decode, attack.HANG_SECONDS, attack.FILE_MEGABYTES) as (seen, take):

        def try_one(data: bytes) -> None:
            take("guided", data)
            # libFuzzer ends the process without notice, so that counts are written about once a second, and files after
            # the last time are not counted.
            if seen.outcomes.total() == 1 or time.perf_counter() - start > written[-1] + _EVERY_SECONDS:
                written.append(time.perf_counter() - start)
                text = json.dumps({**vars(seen), "corpus": list(begin), "seconds": written[-1]}, indent=1) + "\n"
                write_atomically(result, lambda part: part.write_text(text, encoding="utf-8"))

        def mutate(data: bytes, max_size: int, seed: int) -> bytes:
            """Applies libFuzzer's mutations, then mostly corrects the checksums, as a wrong one ends decoding early."""
            changed = atheris.Mutate(data, max_size)
            sealed = len(changed) > 5 and random.Random(seed).random() < 0.9
            return (mutations.seal(changed) if sealed else changed)[:max_size]

        flags = [
            f"-max_total_time={options.seconds}", f"-artifact_prefix={options.folder}/", "-max_len=2048",
            "-rss_limit_mb=0", "-timeout=0", "-print_final_stats=1", str(corpus),
        ]  # fmt: skip
        atheris.Setup([sys.argv[0], *flags], try_one, custom_mutator=mutate)
        # Does not return, as libFuzzer ends the process.
        atheris.Fuzz()


if __name__ == "__main__":
    sys.exit(main())
