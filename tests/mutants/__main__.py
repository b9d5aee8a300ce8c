"""Tries planted faults and writes which were noticed: `python -m tests.mutants REPORT.md [part or text ...]`.

Without parts, all of them; a text chooses the faults whose name holds it. Beside REPORT.md, REPORT.json says the same.
"""

import json
import sys
import tempfile
from pathlib import Path

from tests.mutants.fault import Fault
from tests.mutants.planting import Verdict, copy_tree, try_fault
from tests.mutants.table import PARTS


def chosen(words: list[str]) -> list[Fault]:
    """The faults of the parts, or with the texts in their names, that are asked for."""
    return [
        one
        for part, faults in PARTS.items()
        for one in faults
        if not words or any(word == part or (word not in PARTS and word in str(one)) for word in words)
    ]


def ending(verdict: Verdict) -> str:
    """How a fault ended, in a word or a reason."""
    if verdict.killed:
        return "killed"
    if verdict.code == 0:
        return f"survived: {verdict.fault.survives or 'its tests passed'}"
    return "timeout" if verdict.code is None else f"error: pytest ended with {verdict.code}"


def markdown(verdicts: list[Verdict]) -> str:
    """A table of all, and how many were noticed."""
    killed = sum(verdict.killed for verdict in verdicts)
    rows = [
        f"| {verdict.fault} | {'<br>'.join(verdict.fault.tests)} | {ending(verdict)} | {verdict.seconds:.0f} |"
        for verdict in verdicts
    ]
    head = ["| fault | tests | ending | seconds |", "|---|---|---|---:|"]
    return "\n".join([f"{killed} of {len(verdicts)} planted faults were noticed.", "", *head, *rows, ""])


def record(verdicts: list[Verdict]) -> str:
    """The same as JSON."""
    rows = [
        {**verdict.fault._asdict(), "ending": ending(verdict), "seconds": round(verdict.seconds, 1)}
        for verdict in verdicts
    ]
    return json.dumps(rows, indent=1) + "\n"


def main(report: str, *words: str) -> int:
    """Tries the faults, writes the report after each, and returns how many ended as they should not."""
    verdicts: list[Verdict] = []
    path = Path(report)
    with tempfile.TemporaryDirectory() as folder:
        tree = copy_tree(Path(folder))
        for fault in chosen(list(words)):
            verdicts.append(try_fault(fault, tree))
            print(f"{verdicts[-1].seconds:5.0f} s  {ending(verdicts[-1])}  {fault}", flush=True)
            path.write_text(markdown(verdicts), encoding="utf-8")
            path.with_suffix(".json").write_text(record(verdicts), encoding="utf-8")
    return sum(not verdict.as_expected for verdict in verdicts)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit("say where the report goes: python -m tests.mutants REPORT.md [part or text ...]")
    sys.exit(min(main(*sys.argv[1:]), 1))
