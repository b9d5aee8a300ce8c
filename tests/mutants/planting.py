"""Plants one fault at a time in a copy of the repository and runs the tests that must notice it."""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple

from tests.mutants.fault import Fault

ROOT = Path(__file__).resolve().parents[2]
TIMEOUT_SECONDS = 300.0

_COPIED = ("recjax", "training", "experiments", "tests", "configs", "pyproject.toml", "README.md")
_TESTS_FAILED = 1


class Verdict(NamedTuple):
    """How the tests of a fault ended. code: pytest's exit code, None after a timeout."""

    fault: Fault
    code: int | None
    seconds: float
    output: str

    @property
    def killed(self) -> bool:
        """Tells whether a test failed; errors of collection, tests that are missing and timeouts are no failures."""
        return self.code == _TESTS_FAILED

    @property
    def as_expected(self) -> bool:
        """Tells whether the fault was noticed, or passed all of its tests where it is listed as one that survives."""
        return self.code == 0 if self.fault.survives else self.killed


def copy_tree(folder: Path) -> Path:
    """Copies the repository's source and tests into a new folder below `folder`."""
    tree = folder / "tree"
    tree.mkdir()
    for name in _COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, tree / name)
    # By hash, since a planted file may have the size and, to a second, the time of the right one.
    by_hash = py_compile.PycInvalidationMode.CHECKED_HASH
    for name in ("recjax", "training", "experiments"):
        compileall.compile_dir(tree / name, quiet=1, invalidation_mode=by_hash)
    return tree


def planted(fault: Fault, source: str) -> str:
    """Returns the source of the fault's file with the fault in it; ValueError unless it has one place there."""
    found = source.count(fault.original)
    if found != 1:
        raise ValueError(f"{fault}: the original text occurs {found} times in {fault.file}, not once; mend the table.")
    return source.replace(fault.original, fault.replacement)


def try_fault(fault: Fault, tree: Path, timeout_seconds: float = TIMEOUT_SECONDS) -> Verdict:
    """Runs the tests of a fault in a copy of the repository, which is right again afterwards."""
    path = tree / fault.file
    right = path.read_text(encoding="utf-8")
    start = time.perf_counter()
    path.write_text(planted(fault, right), encoding="utf-8")
    try:
        code, output = run_tests(fault.tests, tree, timeout_seconds)
    finally:
        path.write_text(right, encoding="utf-8")
    return Verdict(fault, code, time.perf_counter() - start, output)


def run_tests(tests: tuple[str, ...], tree: Path, timeout_seconds: float) -> tuple[int | None, str]:
    """pytest's exit code (None after a timeout) and the end of its output."""
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "--tb=line", *tests]
    # Commands that tests start import the copy, too. What is compiled is found by the program, faults and all.
    environment = os.environ | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}
    for name in [name for name in environment if name.startswith("PYTEST_")]:
        del environment[name]
    try:
        done = subprocess.run(
            command, cwd=tree, env=environment, capture_output=True, text=True, timeout=timeout_seconds, check=False
        )
    except subprocess.TimeoutExpired:
        return None, f"no end in {timeout_seconds:.0f} s"
    return done.returncode, (done.stdout + done.stderr)[-2000:]
