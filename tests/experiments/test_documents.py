"""What documents show: the strongest peer, published figures, every model, and every option of the command line."""

import importlib.util
import json
import re

import pytest

from experiments.reporting import commands, documents, headline, models, overview
from recjax.cli.commands import COMMANDS
from recjax.container.methods import METHODS
from recjax.pretrained import cards

RESULTS = documents.ROOT / documents.RESULTS


def changed(tmp_path, name, change):
    """A folder with one recorded result, after a change."""
    result = json.loads((RESULTS / f"{name}.json").read_text())
    change(result)
    (tmp_path / f"{name}.json").write_text(json.dumps(result))
    return tmp_path


@pytest.mark.parametrize(("rate", "peer"), [(1.2, "1.20 (brotli)"), (1.3, "1.29 (Bit-Swap, published)")])
def test_the_peer_in_the_short_table_is_the_strongest(rate, peer, tmp_path):
    def change(result):
        (row,) = (row for row in result["baselines"] if (row["name"], row["access"]) == ("brotli", "one stream"))
        row["file_bits_per_dim"] = rate

    text = headline.table(changed(tmp_path, "mnist_context", change))
    assert f"| {peer} |" in text.splitlines()[2] and len(text.splitlines()) == 4


def test_the_codec_that_gains_least_is_compared_with(tmp_path):
    def change(result):
        result["peers"]["JPEG"] = [
            {"setting": bits, "bits_per_pixel": bits, "net_bits_per_pixel": bits, "psnr_db": 30 + 10 * bits}
            for bits in (0.01, 1.0)
        ]

    line = headline.table(changed(tmp_path, "kodak_rate_distortion", change)).splitlines()[2]
    assert "| JPEG |" in line and line.split("|")[2].strip().startswith("-")


def test_our_figures_stand_beside_published_ones(tmp_path):
    def change(result):
        result["sets"][1]["chain"]["net_bits_per_dim"] = 1.234

    line = overview.papers(changed(tmp_path, "mnist_bb_ans", change)).splitlines()[3]
    assert "full MNIST" in line and "| 1.234 | 1.41 |" in line


def test_every_model_is_listed_with_a_command_that_is_there():
    listed = models.lossless() + models.pictures() + models.lossy()
    every = (*cards.read_cards(), *cards.read_pixel_cards(), *cards.read_lossy_cards())
    assert all(f"| `{card.name}` |" in listed for card in every)
    origins = models.origins()
    assert all(f"`{card.name}`" in origins for card in every)
    modules = set(re.findall(r"python -m ([\w.]+)", origins))
    assert len(modules) == 4 and all(importlib.util.find_spec(module) for module in modules)


def test_every_option_of_every_method_is_listed_with_it():
    rows = [line for line in commands.options_of_methods().splitlines() if line.startswith("| `--")]
    chosen = [method for method in METHODS.values() if method.chosen]
    for method in chosen:
        for option in method.load_options().__dataclass_fields__:
            flag = f"`--{option.replace('_', '-')}"
            assert any(row.startswith(f"| {flag}") and f"`{method.name}`" in row for row in rows), (method.name, option)


def test_every_command_is_listed():
    text = commands.reference()
    assert all(f"| `recjax {name}" in text for name in COMMANDS)
    assert "| `--index INT` |" in text and "--candidates" not in text.replace("--candidates 4096", "")


def test_modules_that_readmes_name_are_there():
    named = {
        module
        for name in documents.BLOCKS
        for module in re.findall(
            r"python -m ((?:recjax|training|experiments)[\w.]*)", (documents.ROOT / name).read_text()
        )
    }
    assert named and all(importlib.util.find_spec(module) for module in named)
