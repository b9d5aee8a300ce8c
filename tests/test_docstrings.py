"""Docstrings say what goes in and out, and their examples run."""

import doctest
import importlib
from pathlib import Path

import pytest

from tests import docstrings

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(path for part in ("recjax", "training") for path in (ROOT / part).rglob("*.py"))
WITH_EXAMPLES = [path for path in SOURCES if path.parts[-2] != "training" and ">>> " in path.read_text("utf-8")]


def test_public_names_say_what_goes_in_and_out():
    assert not [lack for path in SOURCES for lack in docstrings.lacks(path)]


CASES = {
    "there is no docstring": "def f(): pass",
    "the first line is not one sentence": "def f():\n    '''Does a thing,\n    and another.'''",
    "the first line begins with 'of'": "def f():\n    '''Of a thing.'''",
    "Args lacks b": "def f(a, b) -> None:\n    '''Does it.\n\n    Args:\n        a: It.\n    '''",
    "there is no Returns": "def f(a) -> int:\n    '''Does it.\n\n    Args:\n        a: It.\n    '''",
    "there is no Raises": "def f():\n    '''Does it.'''\n    raise ValueError",
    "Attributes lacks a": "class C:\n    '''Is it.'''\n    a: int\n",
}


@pytest.mark.parametrize("what", CASES)
def test_what_docstrings_lack_is_seen(what, tmp_path):
    path = tmp_path / "example.py"
    path.write_text(f'"""An example."""\n{CASES[what]}\n')
    assert [found.rpartition(": ")[2] for found in docstrings.lacks(path)] == [what]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: ".".join(path.relative_to(ROOT).with_suffix("").parts))
def test_examples_run(path):
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    done = doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS)
    assert done.attempted and not done.failed
