"""Times one contender in a process of its own, so that no contender takes threads or time from another.

`contest` starts this module as a program, which reads its arguments from standard input and prints rates as JSON.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

from experiments.benchmarks.cases import Case
from experiments.memory import peak_megabytes

OURS = "ours"
PACKAGES = {
    "ours": "recjax",
    "usual_jax": "jax",
    "usual_torch": "torch",
    "product_torch": "torch",
    "usual_numpy": "numpy",
    "coder_ours": "recjax",
    "coder_constriction": "constriction",
    "training_ours": "recjax",
    "training_torch": "torch",
}
"""The package that each contender is written with, and cannot run without."""

_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
}


def missing(contenders: Iterable[str]) -> list[str]:
    """Finds the contenders whose package is not installed.

    Args:
        contenders: Keys of `PACKAGES`.

    Returns:
        Those that cannot run.
    """
    return [name for name in contenders if importlib.util.find_spec(PACKAGES[name]) is None]


def contest(contender: str, arguments: dict[str, Any], seconds: float, *, one_core: bool = True) -> dict[str, Any]:
    """Times the code that a contender prepares, in a new process.

    Args:
        contender: A key of `PACKAGES`.
        arguments: Keyword arguments of the contender's `prepare`; a "case" holds the fields of a `Case`.
        seconds: Time of each code, without the first call.
        one_core: Whether the process is limited to one core and one thread. It has no accelerator in any case.

    Returns:
        "rates" (quartiles over the repeats) and "first_call_seconds" of each code by name, the task's "facts",
        "peak_megabytes" of the process (None if not known), and "package" with its version.

    Raises:
        ValueError: If the process fails.
    """
    sent = json.dumps({"arguments": arguments, "seconds": seconds, "one_core": one_core})
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", **(_ONE_THREAD if one_core else {})}
    command = [sys.executable, "-m", __name__, contender]
    found = subprocess.run(command, input=sent, env=environment, capture_output=True, text=True, check=False)
    if found.returncode:
        last = (found.stderr.strip().splitlines() or ["?"])[-1]
        raise ValueError(f"{contender} failed on {_name(arguments)!r}: {last}")
    return json.loads(found.stdout)


def measure(code: Callable[[], Any], amount: int, seconds: float) -> tuple[list[float], float]:
    """Repeats a call for some time, at least three times, after a first call.

    Args:
        code: The call, which waits for its own results.
        amount: Number of things that a call does.
        seconds: Time after which no further repeat begins.

    Returns:
        Things per second of each repeat, and the seconds of the first call, which compiles.
    """
    start = time.perf_counter()
    code()
    first = time.perf_counter() - start
    rates: list[float] = []
    begin = time.perf_counter()
    while len(rates) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        code()
        rates.append(amount / (time.perf_counter() - start))
    return rates, first


def _name(arguments: dict[str, Any]) -> str:
    case = arguments.get("case", arguments)
    return case.get("name", "?")


def main(contender: str) -> None:
    """Runs a contender with the arguments on standard input, and prints its measurements as JSON.

    Args:
        contender: A key of `PACKAGES`.
    """
    sent = json.loads(sys.stdin.read())
    if sent["one_core"] and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    arguments = sent["arguments"]
    if "case" in arguments:
        fields: dict[str, Any] = {k: tuple(x) if isinstance(x, list) else x for k, x in arguments["case"].items()}
        arguments["case"] = Case(**fields)
    task = importlib.import_module(f"experiments.benchmarks.contenders.{contender}").prepare(**arguments)
    found = {name: measure(code, amount, sent["seconds"]) for name, (code, amount) in task.codes.items()}
    package = PACKAGES[contender]
    answer = {
        "rates": {name: statistics.quantiles(rates, n=4) for name, (rates, _) in found.items()},
        "first_call_seconds": {name: first for name, (_, first) in found.items()},
        "facts": task.facts,
        "peak_megabytes": peak_megabytes(),
        "package": f"{package} {importlib.metadata.version(package)}",
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main(sys.argv[1])
