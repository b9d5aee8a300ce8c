"""Every planted fault makes one of its tests fail: `pytest -m slow tests/mutants`, some seconds each."""

import pytest

from tests.mutants.fault import fault
from tests.mutants.planting import copy_tree, run_tests, try_fault
from tests.mutants.table import FAULTS


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return copy_tree(tmp_path_factory.mktemp("planted"))


@pytest.mark.slow
def test_the_cases_of_tests_that_are_named_exist(tree):
    code, output = run_tests(("--collect-only", *sorted({test for one in FAULTS for test in one.tests})), tree, 300)
    assert code == 0, output


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_planted_fault_is_noticed(fault, tree):
    verdict = try_fault(fault, tree)
    assert verdict.as_expected, f"pytest ended with {verdict.code}: {verdict.output}"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("replacement", "test", "code"),
    [
        ("if value <= 0:", "test_varints_are_of_values_from_0_on", 1),
        ("if value < 0 and True:", "test_varints_are_of_values_from_0_on", 0),
        ("if value <", "test_varints_are_of_values_from_0_on", 4),
        ("if value <= 0:", "test_that_is_not_there", 4),
    ],
    ids=["failed", "passed", "no module", "no test"],
)
def test_only_failures_count(replacement, test, code, tree):
    before = (tree / "recjax/container/varint.py").read_text()
    one = fault(
        "", "recjax/container/varint.py", "if value < 0:", replacement, f"tests/container/test_varint.py::{test}"
    )
    verdict = try_fault(one, tree)
    assert (verdict.code, verdict.killed) == (code, code == 1)
    assert (tree / "recjax/container/varint.py").read_text() == before


@pytest.mark.slow
def test_a_fault_that_does_not_end_is_none_that_was_noticed(tree):
    """A loop without an end is found by no test: it would keep every run waiting."""
    endless = fault(
        "",
        "recjax/container/varint.py",
        "value >>= 7",
        "value >>= 0",
        "tests/container/test_varint.py::test_values_have_one_spelling",
    )
    verdict = try_fault(endless, tree, timeout_seconds=20)
    assert verdict.code is None and not verdict.killed
