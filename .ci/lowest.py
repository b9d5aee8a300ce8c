"""Prints a constraint `name==lower` for each requirement `name>=lower` of the package and of the extras that are named.

Run:  python .ci/lowest.py test > constraints.txt
"""

import re
import sys
import tomllib
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[1] / "pyproject.toml"
_LOWER = re.compile(r"([\w.-]+)(?:\[[\w,]+\])?>=([\w.]+)")


def lowest(requirements: list[str]) -> list[str]:
    """The exact lower bound of each requirement; ValueError for one that has none."""
    found = [_LOWER.match(requirement) for requirement in requirements]
    if None in found:
        raise ValueError(f"{requirements[found.index(None)]} has no lower bound: write one, name>=lower")
    return sorted({f"{match[1]}=={match[2]}" for match in found if match})


if __name__ == "__main__":
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    extras = [one for extra in sys.argv[1:] for one in project["optional-dependencies"][extra]]
    print("\n".join(lowest([*project["dependencies"], *extras])))
