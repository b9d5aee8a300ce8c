"""One contender in a process of its own on one core, so that none gains by threads or suffers from another's.

Run by `contest`; reads a case from standard input, and writes candidates per second of each repeat as JSON.
"""

import dataclasses
import importlib
import importlib.metadata
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from experiments.benchmarks.cases import Case

PACKAGES = {
    "ours": "recjax",
    "usual_jax": "jax",
    "usual_torch": "torch",
    "product_torch": "torch",
    "usual_numpy": "numpy",
}
"""What a contender is written with, and cannot run without."""

_ONE_THREAD = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false",
    "JAX_PLATFORMS": "cpu",
}


def contest(contender: str, case: Case, blocks: int, seconds: float) -> dict[str, Any]:
    """Rates of a module of this folder, `rates` in candidates per second, and the seconds until its second call."""
    sent = json.dumps({"case": dataclasses.asdict(case), "blocks": blocks, "seconds": seconds})
    command = [sys.executable, "-m", __name__, contender]
    found = subprocess.run(
        command, input=sent, env={**os.environ, **_ONE_THREAD}, capture_output=True, text=True, check=False
    )
    if found.returncode:
        raise ValueError(f"{contender} failed on {case.name!r}: {(found.stderr.strip().splitlines() or ['?'])[-1]}")
    return json.loads(found.stdout)


def measure(code: Callable[[], None], amount: int, seconds: float) -> dict[str, Any]:
    """Rates of `amount` things by repeats that take so many seconds together, three at least, the first call apart."""
    start = time.perf_counter()
    code()
    first = time.perf_counter() - start
    rates: list[float] = []
    begin = time.perf_counter()
    while len(rates) < 3 or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        code()
        rates.append(amount / (time.perf_counter() - start))
    return {"rates": rates, "first_call_seconds": first}


def main(contender: str) -> None:
    """What the process does."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    sent = json.loads(sys.stdin.read())
    fields: dict[str, Any] = {name: tuple(x) if isinstance(x, list) else x for name, x in sent["case"].items()}
    case = Case(**fields)
    code = importlib.import_module(f"experiments.benchmarks.{contender}").prepare(case, sent["blocks"])
    version = importlib.metadata.version(PACKAGES[contender])
    found = measure(code, sent["blocks"] * case.candidates, sent["seconds"])
    print(json.dumps({**found, "package": f"{PACKAGES[contender]} {version}"}))


if __name__ == "__main__":
    main(sys.argv[1])
