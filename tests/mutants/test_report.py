"""What the report of planted faults says of each ending."""

import json

import pytest

from tests.mutants.__main__ import chosen, ending, markdown, record
from tests.mutants.fault import fault
from tests.mutants.planting import Verdict
from tests.mutants.table import FAULTS, PARTS

ONE = fault(
    "one off",
    "recjax/container/varint.py",
    "a",
    "b",
    "tests/container/test_varint.py::test_a",
    "tests/container/test_varint.py::test_b",
)
KNOWN = ONE._replace(survives="both are the same")


@pytest.mark.parametrize(
    ("planted", "code", "said", "fine"),
    [
        (ONE, 1, "killed", True),
        (ONE, 0, "survived: its tests passed", False),
        (KNOWN, 0, "survived: both are the same", True),
        (KNOWN, 1, "killed", False),
        (ONE, None, "timeout", False),
        *((ONE, code, f"error: pytest ended with {code}", False) for code in (2, 3, 4, 5)),
    ],
)
def test_only_tests_that_fail_notice_a_fault(planted, code, said, fine):
    verdict = Verdict(planted, code, 1.0, "")
    assert ending(verdict) == said and verdict.as_expected == fine


def test_reports_hold_every_fault_and_how_many_were_noticed():
    verdicts = [Verdict(ONE, 1, 2.4, ""), Verdict(KNOWN, 0, 3.0, "")]
    table = markdown(verdicts).splitlines()
    assert table[0] == "1 of 2 planted faults were noticed."
    tests = "tests/container/test_varint.py::test_a<br>tests/container/test_varint.py::test_b"
    assert table[4] == f"| recjax/container/varint: one off | {tests} | killed | 2 |"
    rows = json.loads(record(verdicts))
    assert [row["ending"] for row in rows] == ["killed", "survived: both are the same"] and rows[0]["seconds"] == 2.4


def test_faults_are_chosen_by_their_part_or_their_name():
    assert chosen([]) == FAULTS and chosen(["files"]) == list(PARTS["files"])
    assert {one.file for one in chosen(["recjax/container/varint"])} == {"recjax/container/varint.py"}
