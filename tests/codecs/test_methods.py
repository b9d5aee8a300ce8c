"""The table of file methods: what never changes, and that a row is all that a new method needs."""

import dataclasses
import json
import re
import subprocess
import sys

import numpy as np
import pytest

import recjax
from recjax.cli import doctor
from recjax.cli import main as cli
from recjax.conformance import check as conformance
from recjax.container import methods
from recjax.container.methods import METHODS
from recjax.images.files import read_images, write_images
from tests.codecs.toy import coder

REC = ("partition", "candidates_log2", "block_budget_bits_q10", "index_code")
FROZEN = {
    "raw": (0, ()),
    "bb-ans": (1, ("lanes", "grid_bits", "initial_bytes")),
    "pfr": (2, (*REC, "chunk_images")),
    "orc": (3, (*REC, "chunk_images")),
    "as-star": (4, ("branch_code", "index_code", "chunk_images")),
    "ad-star": (5, ("index_code", "chunk_images")),
    "dad-star": (6, ("max_depth", "index_code", "chunk_images")),
    "gprs": (7, ("branch_code", "index_code", "chunk_images")),
    "bb-ans-rec": (8, ("lanes", "grid_bits", "rec_images", *REC)),
    "inr": (9, (*REC, "prior", "shift_bits_q10", "chunk_images")),
    "pixel-network": (10, ("side_log2", "stream_tiles", "chunk_images")),
}
"""Numbers and parameters in the headers of files that exist."""


def test_numbers_and_parameters_keep_their_meaning():
    assert {name: (row.number, tuple(row.parameters)) for name, row in METHODS.items()} == FROZEN
    assert all(name == row.name and methods.of_number(row.number) is row for name, row in METHODS.items())
    assert methods.of_number(11) is None


def test_every_method_has_reference_files():
    found = {reference.method for reference in conformance.references()}
    assert found == {row.name for row in METHODS.values() if row.references}
    assert {row.name for row in METHODS.values() if row.chosen} == found


@pytest.mark.parametrize("name", METHODS)
def test_coders_define_what_is_called(name):
    row = METHODS[name]
    module = row.load_coder()
    named = ("load_model", "load_named_model", "check_images", "compress", "decode")
    assert all(callable(getattr(module, function)) for function in named)
    options = row.load_options()()
    assert dataclasses.is_dataclass(options) and options == type(options)(**dataclasses.asdict(options))


def test_options_and_descriptions_need_no_jax():
    script = (
        "import sys; from recjax.container.methods import METHODS;"
        "[(row.load_options(), row.load_describer()) for row in METHODS.values()]; sys.exit('jax' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


@pytest.fixture
def toy(monkeypatch):
    monkeypatch.setitem(METHODS, "toy", coder.ROW)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 17, (20, 8, 8), np.uint8)


def test_a_row_is_all_that_a_method_needs_in_python(toy, images):
    told = []
    data = recjax.compress(images, method="toy", level=9, progress=lambda *stage: told.append(stage))
    assert told == [("encoding", 20, 20)] and len(data) < images.size
    assert np.array_equal(recjax.decompress(data), images)
    assert np.array_equal(recjax.decompress(data, index=3), images[3])
    with pytest.raises(ValueError, match="level must lie between 0 and 9, got 10"):
        recjax.compress(images, method="toy", level=10)
    with pytest.raises(ValueError, match="toy has no use for candidates, which belongs to pfr, orc, bb-ans-rec, inr"):
        recjax.compress(images, method="toy", candidates=64)
    with pytest.raises(recjax.FormatError, match="checksum"):
        recjax.decompress(data[:-9] + bytes([data[-9] ^ 1]) + data[-8:])


def test_a_row_is_all_that_a_method_needs_on_the_command_line(toy, images, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_images(tmp_path / "in.npy", images)

    def run(*arguments, code=cli.FINE):
        assert cli.main([*arguments]) == code
        return capsys.readouterr()

    shown = " ".join(run("compress", "--method", "toy", "--help").out.replace("│", " ").split())
    assert "How hard to try, from 0 to 9." in shown
    assert "toy takes images of any kind. Each image can be decoded without the others." in shown
    shown = " ".join(run("compress", "--method", "bb-ans", "--help").out.replace("│", " ").split())
    assert "bb-ans takes images that a model is for. No image can be decoded without the others." in shown
    assert re.search(r"^  toy +images as zlib deflates them$", run("compress", "--help").out, re.MULTILINE)
    assert "Deflated." in run("compress", "in.npy", "a.rjx", "--method", "toy", "--level", "1").out
    found = json.loads(run("info", "a.rjx", "--json").out)
    assert (found["method"], found["parameters"]) == ("toy", {"level": 1}) and found["deflated_bytes"] > 0
    assert "is good" in run("verify", "a.rjx", "--against", "in.npy").out
    run("decompress", "a.rjx", "out.npy")
    run("decompress", "a.rjx", "one.png", "--index", "2")
    assert np.array_equal(read_images(tmp_path / "out.npy"), images)
    assert np.array_equal(read_images(tmp_path / "one.png"), images[2:3])
    run("compress", "in.npy", "shards", "--method", "toy", "--shard-images", "8")
    run("decompress", "shards", "all.npy")
    assert np.array_equal(read_images(tmp_path / "all.npy"), images)
    wrong = run("compress", "in.npy", "b.rjx", "--method", "toy", "--bpp", "1", code=cli.USAGE).err
    assert "toy has no use for bpp, which belongs to inr" in wrong


def test_the_self_test_tries_a_method_whose_row_asks_for_it(toy, monkeypatch):
    monkeypatch.setitem(METHODS, "pfr", dataclasses.replace(METHODS["pfr"], self_test=None))
    for name in ("bb-ans", "orc"):
        monkeypatch.setitem(METHODS, name, dataclasses.replace(METHODS[name], self_test=None))
    monkeypatch.setattr(doctor, "list_models", list)
    monkeypatch.setattr(doctor.inr_model, "list_models", list)
    tests = {check.name: check.error for check in doctor.checks()}
    assert tests["coding with digits, toy"] == "" and not any("orc" in name for name in tests)
