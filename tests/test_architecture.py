"""The shape of the house: which part may import which, how long a file may be, and what `import recjax` may cost."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("recjax", "training", "experiments")
MAY_IMPORT = {
    "recjax": {"recjax"},
    "training": {"recjax", "training"},
    "experiments": {"recjax", "training", "experiments"},
}
MOST_LINES = 400
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
    lengths = {str(path): len(path.read_text(encoding="utf-8").splitlines()) for path in sources(part)}
    assert not {path: length for path, length in lengths.items() if length > MOST_LINES}


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
