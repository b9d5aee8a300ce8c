"""The README does what it says: its commands are those that are run, its code runs, its tables are rendered."""

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
import scipy.stats
from sklearn.datasets import load_sample_image

from experiments import report
from recjax.cli import main as cli
from recjax.images.files import read_images, write_images
from training import data

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
TEST_COMMAND = 'pip install -e ".[test]" && pytest -n auto'
START_COMMAND = 'pip install -e ".[data,plot]" && python -m experiments configs/quickstart.toml'


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


def shell_lines() -> list[str]:
    return [line for block in blocks("bash") for line in block.splitlines()]


def test_the_two_commands_stand_as_they_are_run():
    assert START_COMMAND in shell_lines() and TEST_COMMAND in shell_lines()
    assert TEST_COMMAND in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_a_newcomer_meets_the_start_command_first():
    assert START_COMMAND in README.splitlines()[:12]


def test_tables_are_rendered_from_the_recorded_results():
    assert report.BLOCK.search(README)
    assert report.rendered_readme(README) == README


@pytest.mark.parametrize("block", blocks("python"), ids=range(len(blocks("python"))))
def test_python_blocks_run(block, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    if "enc" in names:
        # A newcomer's first samples must be good ones.
        residuals = ((names["enc"].sample - names["mu"]) / names["sigma"]).reshape(-1)
        assert scipy.stats.kstest(np.asarray(residuals), "norm").pvalue > 0.01


def test_command_lines_run_in_order(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    digits = data.load("digits", "test").images[:20]
    np.save("digits.npy", digits)
    grey = np.pad(15 * np.repeat(np.repeat(digits[:3], 3, axis=1), 3, axis=2), ((0, 0), (2, 2), (2, 2)))
    write_images(Path("digits"), grey)
    write_images(Path("ship.png"), load_sample_image("china.jpg")[None, 150:182, 300:332])
    lines = [shlex.split(line) for line in shell_lines() if line.startswith("recjax ") and "--help" not in line]
    assert {line[1] for line in lines} >= {"compress", "decompress", "info", "verify", "models", "doctor"}
    for line in lines:
        assert cli.main(line[1:]) == 0, line
    np.testing.assert_array_equal(np.load("again.npy"), digits)
    np.testing.assert_array_equal(read_images(Path("again")), grey)
    assert read_images(Path("shown.png")).shape == (1, 32, 32, 3)


@pytest.mark.parametrize("target", sorted(set(re.findall(r"\]\(([^)#:]+)\)", README))))
def test_links_lead_somewhere(target):
    assert (ROOT / target).exists()


@pytest.mark.parametrize(
    "name", sorted(set(re.findall(r"\b(?:recjax|training|experiments|configs)/[\w./]*\w", README)))
)
def test_paths_exist(name):
    assert (ROOT / name).exists() or name.startswith("experiments/results")
