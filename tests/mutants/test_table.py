"""The table of planted faults fits the source: every fault has one place there, and tests that exist."""

import ast
import functools

import pytest

from tests.mutants.fault import fault
from tests.mutants.planting import ROOT, planted
from tests.mutants.table import FAULTS


@functools.cache
def source_of(file: str) -> str:
    return (ROOT / file).read_text(encoding="utf-8")


@functools.cache
def names_of_tests(file: str) -> frozenset[str]:
    return frozenset(node.name for node in ast.parse(source_of(file)).body if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_has_one_place_and_its_file_still_parses(fault):
    wrong = planted(fault, source_of(fault.file))
    assert ast.dump(ast.parse(wrong)) != ast.dump(ast.parse(source_of(fault.file)))


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_the_tests_of_a_fault_exist(fault):
    assert fault.tests
    for test in fault.tests:
        file, name = test.split("::")
        assert name.partition("[")[0] in names_of_tests(file), f"there is no {test}"


def test_faults_differ_and_few_survive():
    assert len({(one.file, one.original, one.replacement) for one in FAULTS}) == len(FAULTS)
    assert len({str(one) for one in FAULTS}) == len(FAULTS)
    assert len(FAULTS) >= 90 and sum(bool(one.survives) for one in FAULTS) <= 0.05 * len(FAULTS)


def test_text_that_occurs_twice_or_never_has_no_place():
    for source in ("a = 1\na = 1\n", "b = 1\n"):
        with pytest.raises(ValueError, match="not once; mend the table"):
            planted(fault("other", "recjax/none.py", "a = 1", "a = 2", "tests/none.py::test"), source)
