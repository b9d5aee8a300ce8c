"""Every planted fault makes one of its tests fail: `pytest -m slow tests/mutants`, some seconds each."""

import pytest

from tests.mutants.fault import fault
from tests.mutants.planting import copy_tree, try_fault
from tests.mutants.table import FAULTS


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    return copy_tree(tmp_path_factory.mktemp("planted"))


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_planted_fault_is_noticed(fault, tree):
    verdict = try_fault(fault, tree)
    assert verdict.as_expected, f"pytest ended with {verdict.code}: {verdict.output}"


@pytest.mark.parametrize(
    ("replacement", "test", "code"),
    [
        ("if value <= 0:", "test_varints_are_of_values_from_0_on", 1),
        ("if value < 0:  # as before", "test_varints_are_of_values_from_0_on", 0),
        ("if value <", "test_varints_are_of_values_from_0_on", 4),
        ("if value <= 0:", "test_that_is_not_there", 4),
    ],
    ids=["failed", "passed", "no module", "no test"],
)
@pytest.mark.slow
def test_only_failures_count(replacement, test, code, tree):
    before = (tree / "recjax/varint.py").read_text()
    verdict = try_fault(
        fault("", "recjax/varint.py", "if value < 0:", replacement, f"tests/test_container.py::{test}"), tree
    )
    assert (verdict.code, verdict.killed) == (code, code == 1)
    assert (tree / "recjax/varint.py").read_text() == before
