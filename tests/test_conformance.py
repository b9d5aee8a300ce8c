"""The conformance set: every file of it decodes to its pixels, on whatever of a machine can be varied here."""

import json
import os
import subprocess
import sys

import pytest

from recjax.cli import doctor
from recjax.cli import main as cli
from recjax.conformance import check as conformance
from recjax.container import file as container
from recjax.pretrained.cards import read_cards, read_lossy_cards, read_pixel_cards
from training import conformance as written

ALL = tuple(reference.name for reference in conformance.references())
SOME = tuple(name for name in ALL if name.startswith(("digits-", "mnist-binary-", "cifar10-")))
QUICK = ("digits-bb-ans", "digits-orc")
VARIANTS = {
    "SSE4.2": (ALL, {"XLA_FLAGS": "--xla_cpu_max_isa=SSE4_2"}),
    "AVX2": (SOME, {"XLA_FLAGS": "--xla_cpu_max_isa=AVX2"}),
    "8 devices": (SOME, {"XLA_FLAGS": "--xla_force_host_platform_device_count=8"}),
    "one thread": (SOME, {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false", "OMP_NUM_THREADS": "1"}),
    "no jit": (QUICK, {"JAX_DISABLE_JIT": "1"}),
}
PROGRAM = """
import sys
from recjax import compress, decompress, load_model
from recjax.conformance import check as conformance
names = sys.argv[1].split()
wrong = {one.name: conformance.failure(one) for one in conformance.references() if one.name in names}
assert len(wrong) == len(names)
# Both sides of bits-back are integers alone; files of searches depend on the floats of the machine that wrote them.
data = (conformance.FOLDER / "digits-bb-ans.rjx").read_bytes()
assert compress(decompress(data), load_model("digits")) == data, "other bytes"
sys.exit("; ".join(f"{name}: {text}" for name, text in wrong.items() if text) or 0)
"""


def test_the_set_has_a_file_of_every_codec_and_released_model():
    found = conformance.references()
    assert {reference.method for reference in found} == set(container.METHODS) - {"raw"}
    cards = (*read_cards(), *read_lossy_cards(), *read_pixel_cards())
    assert {reference.model for reference in found} == {card.name for card in cards}
    # Files in floats are of no use elsewhere.
    assert {reference.format for reference in found} == {container.FORMAT_VERSION}
    assert len({reference.name for reference in found}) == len(found)


def test_the_set_stays_small():
    assert sum(len(reference.data) for reference in conformance.references()) < 1 << 16


@pytest.mark.slow
@pytest.mark.parametrize("variant", VARIANTS)
def test_the_set_decodes(variant):
    names, environment = VARIANTS[variant]
    command = [sys.executable, "-c", PROGRAM, " ".join(names)]
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", **environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=3000, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.fixture
def small_set(tmp_path, monkeypatch):
    """A set of one file that can be changed."""
    reference = next(one for one in conformance.references() if one.name == "digits-bb-ans")
    (tmp_path / f"{reference.name}.rjx").write_bytes(reference.data)
    (tmp_path / "index.json").write_text(json.dumps([reference._asdict()]))
    monkeypatch.setattr(conformance, "FOLDER", tmp_path)
    return tmp_path


def test_a_machine_that_decodes_otherwise_is_told(small_set, monkeypatch):
    said = []
    assert conformance.examine(said.append) and said == ["ok     digits-bb-ans"]
    rows = json.loads((small_set / "index.json").read_text())
    rows[0]["sha256"] = "0" * 64
    (small_set / "index.json").write_text(json.dumps(rows))
    assert not conformance.examine(said.append)
    assert "FAILED digits-bb-ans: it must decode to (8, 8, 8)" in said[-1]
    (small_set / "digits-bb-ans.rjx").write_bytes(b"RJX")
    assert not conformance.examine(said.append)
    assert "gave FormatError" in said[-1]
    monkeypatch.setattr(doctor, "examine", lambda report: True)
    assert cli.main(["doctor", "--conformance"]) == cli.BAD_INPUT


def test_a_file_joins_once_and_for_ever(small_set):
    data = conformance.references()[0].data
    added = conformance.add("another", "digits", data, small_set)
    assert conformance.references()[-1] == added and added.data == data
    with pytest.raises(ValueError, match="must not change"):
        conformance.add("another", "digits", data, small_set)


def test_the_set_is_written_to_the_folder_that_is_named(tmp_path, monkeypatch, capsys):
    with pytest.raises(SystemExit) as stop:
        written.main([])
    assert stop.value.code == 2 and "--out" in capsys.readouterr().err
    data = conformance.references()[0].data
    monkeypatch.setattr(written, "reference_files", lambda: [("one", "digits", "orc"), ("two", "digits", "orc")])
    monkeypatch.setattr(written.lossless, "compress", lambda *images, **options: data)
    monkeypatch.setattr(written.inr_model, "list_models", list)
    monkeypatch.setattr(written.pixel_model, "list_models", list)
    before = {path: path.stat().st_mtime_ns for path in conformance.FOLDER.iterdir()}
    conformance.add("one", "digits", data, tmp_path)
    assert written.main(["--out", str(tmp_path)]) == 0
    assert [reference.name for reference in conformance.references(tmp_path)] == ["one", "two"]
    assert "one:" not in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in conformance.FOLDER.iterdir()} == before
