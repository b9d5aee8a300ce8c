"""The shape of the house: which part may import which, how long a file may be, and what `import recjax` may cost."""

import ast
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("recjax", "training", "experiments")
MAY_IMPORT = {
    "recjax": {"recjax"},
    "training": {"recjax", "training"},
    "experiments": {"recjax", "training", "experiments"},
}
MOST_LINES = 390
"""Of a file, its docstrings aside."""

MOST_MODULES = 15
"""Of a folder."""

FLOORS = (
    "errors text version randomness numerics quantiles grid pytrees compiler memory sizes",
    "distributions coding io",
    "container images",
    "rec shards pretrained",
    "models",
    "codecs",
    "conformance",
    "cli",
    "__init__ __main__",
)
"""The parts of recjax, from the ground up: each imports only from floors below its own, or from itself."""

TOP_LEVEL = {
    "CHANGELOG.md", "LICENSE", "README.md", "configs", "experiments", "pyproject.toml", "recjax", "tests", "training",
}  # fmt: skip


def sources(part: str) -> list[Path]:
    return sorted((ROOT / part).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Top-level names of all imports of a file, those inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add("." * node.level + (node.module or ""))
    return {name.partition(".")[0] for name in names}


def modules(*parts: str) -> dict[str, Path]:
    """Every module of these parts by its dotted name; a package is named as its folder."""
    return {
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
        for part in parts
        for path in sources(part)
    }


def imported_modules(path: Path, known: dict[str, Path]) -> set[str]:
    """The modules among `known` that a file imports, those inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            within = {f"{node.module}.{alias.name}" for alias in node.names} & known.keys()
            # A name that is no module comes from the package itself.
            names |= within | ({str(node.module)} if len(within) < len(node.names) else set())
    return names & known.keys()


def floor_of(module: str) -> int:
    """The floor of a module of recjax; IndexError if its part stands on none."""
    part = module.split(".")[1] if "." in module else "__init__"
    return [part in floor.split() for floor in FLOORS].index(True)


def test_the_import_reader_sees_every_form(tmp_path):
    source = tmp_path / "example.py"
    source.write_text("import a.b as c\nfrom d.e import f\ndef g():\n    import h\nfrom . import i\n")
    assert imported(source) == {"a", "d", "h", ""}


@pytest.mark.parametrize("part", PARTS)
def test_imports_run_one_way(part):
    files = sources(part)
    assert files
    against = {
        str(path.relative_to(ROOT)): sorted(found)
        for path in files
        if (found := imported(path) & {*PARTS, "tests", "configs", ""} - MAY_IMPORT[part])
    }
    assert not against


def test_parts_of_the_library_import_from_floors_below():
    known = modules("recjax")
    against = {
        name: sorted(below)
        for name, path in known.items()
        if (
            below := {
                other
                for other in imported_modules(path, known)
                if floor_of(other) >= floor_of(name) and other.split(".")[1:2] != name.split(".")[1:2]
            }
        )
    }
    assert not {name: found for name, found in against.items() if floor_of(name) > 0}
    # The ground floor is of single modules, which may import each other.
    assert all(floor_of(other) == 0 for found in against.values() for other in found)


def test_no_imports_run_in_a_circle():
    known = modules(*PARTS)
    left = {name: imported_modules(path, known) - {name} for name, path in known.items()}
    while free := {name for name, found in left.items() if not found & left.keys()}:
        left = {name: found for name, found in left.items() if name not in free}
    assert not left


@pytest.mark.parametrize("part", [*PARTS, "tests"])
def test_folders_stay_narrow(part):
    widths = Counter(path.parent for path in sources(part) if path.name != "__init__.py")
    assert not {str(folder): width for folder, width in widths.items() if width > MOST_MODULES}


def test_the_library_needs_no_extra():
    extras = {
        "matplotlib",
        "sklearn",
        "scipy",
        "constriction",
        "imagecodecs",
        "submitit",
        "pytest",
        "hypothesis",
        "beartype",
    }
    assert not {str(path): found for path in sources("recjax") if (found := imported(path) & extras)}


def test_configs_are_documents_only():
    assert {path.suffix for path in (ROOT / "configs").iterdir()} == {".toml"}


@pytest.mark.parametrize("part", [*PARTS, "tests"])
def test_files_stay_short(part):
    lengths = {str(path): lines_without_docstrings(path) for path in sources(part)}
    assert not {path: length for path, length in lengths.items() if length > MOST_LINES}


def lines_without_docstrings(path: Path) -> int:
    """Counts the lines of a file; docstrings are as long as what they explain needs."""
    source = path.read_text(encoding="utf-8")
    strings = (
        one
        for node in ast.walk(ast.parse(source))
        for one in (node.body if isinstance(getattr(node, "body", None), list) else [])
        if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str)
    )
    return len(source.splitlines()) - sum((one.end_lineno or one.lineno) - one.lineno + 1 for one in strings)


def test_the_top_level_holds_the_agreed_names_only():
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode != 0:
        pytest.skip("not a git checkout: nothing tells its files from those of a user")
    names = {line.partition("/")[0] for line in listed.stdout.splitlines()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


@pytest.mark.parametrize(
    "statement", ["import recjax", "import recjax.cli.main", "import experiments.config, experiments.report"]
)
def test_importing_it_does_not_import_jax(statement):
    check = f"{statement}; import sys; sys.exit('jax' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], cwd=ROOT, check=False).returncode == 0
