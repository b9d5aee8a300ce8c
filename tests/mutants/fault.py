"""A planted fault: one small change of the source that the named tests must notice."""

from typing import NamedTuple


class Fault(NamedTuple):
    """A change of one file that makes it wrong.

    what: the fault in a few words. file: relative to the repository. original: text that occurs exactly once in that
    file. replacement: what is put in its place. tests: pytest ids, of which at least one must fail. survives: why no
    test fails, for the few faults of which that is known; their `tests` must pass.
    """

    what: str
    file: str
    original: str
    replacement: str
    tests: tuple[str, ...]
    survives: str = ""

    def __str__(self) -> str:
        return f"{self.file.removesuffix('.py')}: {self.what}"


def fault(what: str, file: str, original: str, replacement: str, *tests: str, survives: str = "") -> Fault:
    """A row of a table."""
    return Fault(what, file, original, replacement, tests, survives)
