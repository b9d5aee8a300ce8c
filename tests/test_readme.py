"""The READMEs do what they say: their code and commands run, their links lead somewhere, their tables are current."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from sklearn.datasets import load_sample_image

from experiments.reporting import documents
from recjax.cli import main as cli
from recjax.images.files import read_images, write_images
from training import data
from training.vae.command import main as train

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("recjax", "recjax/rec", "recjax/cli", "recjax/pretrained", "training", "experiments", "tests")
TEXTS = {
    name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", *(f"{f}/README.md" for f in FOLDERS))
}
"""Every README by its path."""

README = TEXTS["README.md"]
TEST_COMMAND = 'pip install -e ".[test]" && pytest -n auto'
START_COMMAND = 'pip install -e ".[data,plot]" && python -m experiments configs/quickstart.toml'
MOST_BYTES = 10_000
MOST_LINES = 120
"""Of a folder's README: two screens."""


def blocks(text: str, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def shell_lines(*names: str) -> list[str]:
    return [line for name in names for block in blocks(TEXTS[name], "bash") for line in block.splitlines()]


PYTHON = [(name, number) for name, text in TEXTS.items() for number in range(len(blocks(text, "python")))]
LINKS = sorted({(name, link) for name, text in TEXTS.items() for link in re.findall(r"\]\(([^)\s]+)\)", text)})
OUTSIDE = ("https://", "http://")


def test_the_two_commands_stand_as_they_are_run():
    assert shell_lines("README.md")[:2] == [START_COMMAND, TEST_COMMAND]
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_a_newcomer_meets_the_start_command_first():
    assert START_COMMAND in README.splitlines()[:12]


def test_readmes_are_short():
    assert len(README.encode()) <= MOST_BYTES
    lines = {name: len(text.splitlines()) for name, text in TEXTS.items() if text is not README}
    assert not {name: count for name, count in lines.items() if count > MOST_LINES}


def test_the_short_table_has_five_to_eight_rows():
    (match,) = (one for one in documents.BLOCK.finditer(README) if one[2] == "results")
    assert 5 <= sum(line.startswith("| ") for line in match[0].splitlines()) - 2 <= 8


def test_documents_show_what_is_recorded():
    assert not [str(path.relative_to(ROOT)) for path in documents.outdated()]


@pytest.mark.parametrize(("name", "number"), PYTHON)
def test_python_blocks_run(name, number, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(blocks(TEXTS[name], "python")[number], name, "exec"), names)
    if "enc" in names:
        # A newcomer's first samples must be good ones.
        residuals = ((names["enc"].sample - names["mu"]) / names["sigma"]).reshape(-1)
        assert scipy.stats.kstest(np.asarray(residuals), "norm").pvalue > 0.01


def test_command_lines_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digits = data.load("digits", "test").images[:50]
    grey = np.pad(15 * np.repeat(np.repeat(digits[:3], 3, axis=1), 3, axis=2), ((0, 0), (2, 2), (2, 2)))
    write_images(Path("digits"), grey)
    write_images(Path("ship.png"), load_sample_image("china.jpg")[None, 150:182, 300:332])
    lines = [shlex.split(line) for line in shell_lines("README.md", "recjax/cli/README.md")]
    run = 0
    for line in lines:
        if line[0] == "recjax":
            assert cli.main(line[1:]) == 0, line
        elif line[:3] == ["python", "-m", "training.vae"]:
            assert train(line[3:]) == 0, line
        elif line[:2] == ["python", "-c"]:
            exec(line[2], {})
        else:
            continue
        run += 1
    assert run >= 12
    np.testing.assert_array_equal(np.load("digits.npy"), digits)
    np.testing.assert_array_equal(np.load("mine.npy"), digits)
    np.testing.assert_array_equal(np.load("whole.npy"), digits)
    np.testing.assert_array_equal(read_images(Path("again")), grey)
    np.testing.assert_array_equal(read_images(Path("third.png")), digits[2:3])
    assert read_images(Path("shown.png")).shape == (1, 32, 32, 3)


@pytest.mark.parametrize(("name", "link"), [pair for pair in LINKS if not pair[1].startswith(OUTSIDE)])
def test_links_lead_somewhere(name, link):
    path, _, place = link.partition("#")
    target = (ROOT / name).parent / path if path else ROOT / name
    assert target.exists()
    if place:
        heads = re.findall(r"^#+ (.*)$", target.read_text(encoding="utf-8"), re.MULTILINE)
        assert place in {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


PATH = r"\b(?:recjax|training|experiments|configs|tests)/[\w./]*\w"


@pytest.mark.parametrize("path", sorted({path for text in TEXTS.values() for path in re.findall(PATH, text)}))
def test_paths_exist(path):
    assert (ROOT / path).exists()


def test_pages_of_results_have_their_plots():
    pages = sorted((ROOT / documents.RESULTS).glob("*.md"))
    assert len(pages) == len(list((ROOT / documents.RESULTS).glob("*.json")))
    for page in pages:
        for link in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
            assert link.startswith(OUTSIDE) or (page.parent / link).exists(), (page.name, link)
