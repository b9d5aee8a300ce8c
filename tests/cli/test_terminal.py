"""What people and programs see of the command line, whatever names, terminals and streams are like."""

import dataclasses
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

import recjax
from recjax.cli import doctor
from recjax.cli import main as cli
from recjax.cli.arguments import parse
from recjax.cli.commands import COMMANDS
from recjax.cli.process import compile_cache
from recjax.codecs.lossy.file import Encoding
from recjax.conformance import check as conformance
from recjax.container import chunks
from recjax.container.methods import METHODS
from recjax.images.files import write_images
from tests.representations import GOLDEN, waves

ROOT = Path(__file__).resolve().parents[2]

FAKE_CODEC = f"""
import json, os, sys
sys.path.insert(0, {str(ROOT)!r})
from tests.cli import fake_coder
from recjax.cli import main as cli
from recjax.cli.process import streams

fake_coder.Model.name = "a\\x1b[31m\\u202e\\n"
fake_coder.install()
streams.prepare()
"""
RUN_ALL = f"""{FAKE_CODEC}
commands = [[]]
for argument in sys.argv[1:]:
    commands.append([]) if argument == "NEXT" else commands[-1].append(argument)
print(json.dumps([cli.main(command) for command in commands]), file=sys.stderr, flush=True)
os._exit(0)
"""

ODD = "\udcff\x1b[31m\u202e图\n"
ENCODINGS = {
    "ascii": {"PYTHONIOENCODING": "ascii"},
    "latin": {"PYTHONIOENCODING": "latin-1"},
    "C": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "utf-8": {"PYTHONIOENCODING": "utf-8"},
}


@pytest.fixture
def folder(tmp_path):
    # Nothing makes less of them than a file that stores them as they are, or commands would say so.
    images = np.random.default_rng(0).integers(0, 256, (3, 8, 8), np.uint8)
    write_images(tmp_path / "in.npy", images)
    (tmp_path / "good.rjx").write_bytes(chunks.write_raw(images))
    return tmp_path


def run_all(folder, commands, environment=None, **streams):
    """Runs command lines in one process; their codes, and what it printed."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    found = subprocess.run(
        [sys.executable, "-c", RUN_ALL, *[word for command in commands for word in ("NEXT", *command)][1:]],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        check=True,
        **pipes,
    )
    *told, codes = found.stderr.decode(errors="surrogateescape").splitlines(keepends=True)
    return json.loads(codes), found.stdout, "".join(told)


@pytest.mark.parametrize("name", ENCODINGS)
def test_odd_names_are_shown_and_never_end_a_command(name, folder):
    commands = [
        ["compress", "in.npy", f"{ODD}.rjx"],
        ["decompress", f"{ODD}.rjx", f"{ODD}.npy"],
        ["verify", f"{ODD}.rjx", "--against", f"{ODD}.npy"],
        ["info", f"{ODD}.rjx"],
        ["info", f"{ODD}.rjx", "--json"],
        ["models"],
        ["--help"],
        *([verb, "--help"] for verb in COMMANDS),
    ]
    wrong = [["info", f"{ODD}2"], ["compress", f"{ODD}2", "a"], ["verify", "good.rjx", "--against", f"{ODD}2"]]
    usage = [[ODD], ["info", "good.rjx", f"--{ODD}"], ["compress", "in.npy", "a", "--candidates", ODD]]
    codes, out, err = run_all(folder, [*commands, *wrong, *usage], ENCODINGS[name])
    assert codes == [0] * len(commands) + [1] * len(wrong) + [2] * len(usage)
    text = out.decode(os.fsencode(ENCODINGS[name].get("PYTHONIOENCODING", "ascii")).decode()) + err
    assert all(line.isprintable() for line in text.splitlines()) and "\x1b" not in text
    assert err.count("\n") == len(wrong) + len(usage) and "Traceback" not in err
    assert os.fsencode(f"{ODD}.rjx") in os.listdir(os.fsencode(folder))


VERBS = [
    ["--help"],
    ["--version"],
    *([verb, "--help"] for verb in COMMANDS),
    ["compress", "in.npy", "a.rjx"],
    ["compress", "in.npy", "b.rjx", "--json"],
    ["decompress", "good.rjx", "a.npy"],
    ["info", "good.rjx"],
    ["info", "good.rjx", "--json"],
    ["verify", "good.rjx"],
    ["verify", "good.rjx", "--json"],
    ["models"],
    ["models", "--json"],
]


@pytest.mark.parametrize("buffered", [True, False])
def test_nobody_who_reads_is_no_error_of_any_command(buffered, folder):
    read, write = os.pipe()
    os.close(read)
    # What is in the buffer of the first would fail in the second.
    for verb in [VERBS] if buffered else [VERBS[:4], VERBS[4:]]:
        codes, _, err = run_all(folder, verb, {} if buffered else {"PYTHONUNBUFFERED": "1"}, stdout=write)
        assert (codes, err) == ([cli.NO_READER] * len(verb), "")
        for path in folder.glob("[ab].*"):
            path.unlink()
    os.close(write)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_output_that_cannot_be_written_is_a_sentence_of_every_command(folder):
    with open("/dev/full", "wb") as full:
        codes, _, err = run_all(folder, VERBS, stdout=full)
    assert codes == [cli.BAD_INPUT] * len(VERBS)
    assert err.count("No space left on device; make room on the disk.\n") == len(VERBS) == err.count("\n")


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_file_gets_the_number_of_a_closed_stream(closed, folder):
    """Or what libraries print would be written into it."""
    script = "import os, sys; from recjax.cli.process import streams; streams.prepare(); file = open('x', 'wb');"
    script += "os._exit(3 if file.fileno() > 2 and sys.stdout.fileno() == 1 and sys.stderr.fileno() == 2 else 4)"
    command = ["bash", "-c", f'"$@" {closed}', "-", sys.executable, "-c", script]
    assert subprocess.run(command, cwd=folder, check=False).returncode == 3


ORDER = [
    "model", "method", "index", "against", "seed", "shard_images", "part", "max_bytes", "max_seconds",
    "ignore_fingerprint", "seconds", "conformance", "clear_cache", "force", "json",
    # Of a method.
    "bpp", "effort", "arithmetic", "partition", "candidates", "block_bits", "blocks", "index_code", "bin_code",
    "branch_code", "max_depth",
]  # fmt: skip


CHOSEN = [method.name for method in METHODS.values() if method.chosen]
HELP = [*([verb] for verb in COMMANDS), *(["compress", "--method", name] for name in CHOSEN)]


@pytest.mark.parametrize("command", HELP, ids=" ".join)
@pytest.mark.parametrize("columns", [20, 80, 200])
def test_options_are_listed_in_one_order_without_none(command, columns, monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert cli.main([*command, "-h" if columns == 20 else "--help"]) == cli.FINE
    out, err = capsys.readouterr()
    assert "None" not in out and err == ""
    assert max(map(len, out.splitlines())) <= max(columns, 79)
    # Words, not letters, are what a line holds.
    assert re.search(r"show this help message", out) and os.environ["COLUMNS"] == str(columns)
    options = re.findall(r"^[│ ] (?:-h, )?--([a-z-]+)", out, re.MULTILINE)
    known = [name.replace("_", "-") for name in ORDER if name.replace("_", "-") in options]
    assert [name for name in options if name in known] == known and known[-1] == options[-1]
    assert command[0] == "compress" or options[-1] == "json"


def test_the_order_names_every_option():
    kinds = [*COMMANDS.values(), *(METHODS[name].load_options() for name in CHOSEN)]
    names = {field.name for kind in kinds for field in dataclasses.fields(kind)}
    assert names - {"images", "out", "file"} <= set(ORDER)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["info", "a", "--jsn"], "Unrecognized options: --jsn (perhaps --json); see `recjax info --help`."),
        (["compress", "a", "b", "--method", "inr", "--bp", "1"], "--bp, 1 (perhaps --bpp); see"),
        (["compress", "a", "b", "--method=orc", "--candidates", "None"], "Error parsing --candidates"),
        (["compress", "a", "b", "--method=inr", "--effort", "None"], "--effort"),
        (["verify", "a", "--max-bytes"], "Missing value for argument '--max-bytes'. Expected 1 values; see"),
        (["compress"], "Missing from recjax compress: IN OUT; see `recjax compress --help`."),
        (["compres", "a", "b"], "there is no command 'compres' (perhaps compress); choose from"),
        (["xyz"], "there is no command 'xyz'; choose from"),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_wrong_usage_names_what_may_be_meant(arguments, told, encoding, folder):
    codes, out, err = run_all(folder, [arguments], {"PYTHONIOENCODING": encoding, "COLUMNS": "20"})
    assert (codes, out, err.count("\n")) == ([cli.USAGE], b"", 1)
    assert err.startswith("recjax: ") and told in err


def test_none_is_a_name_like_others():
    assert parse(COMMANDS["verify"], "verify", ["a", "--against", "None"]).against == Path("None")


SIZES = {"images": int, "file_bytes": int, "bits_per_dimension": float}
INFO = {"file": str, "method": str, "image_shape": list, "model": str, "model_digest": str, "seed": int, **SIZES}
WRITTEN = {"file": str, "out": str, "images": int, "image_shape": list}
GOOD = {"file": str, "good": bool, "against": str, "psnr_db": type(None), "raw_bytes": int, **SIZES}
SCHEMAS = {
    "compress digits.npy a.rjx": INFO,
    "info a.rjx": {**INFO, "raw_bytes": int, "parameters": dict, "format": int, "stream": int, "chunks": int},
    "verify a.rjx --against digits.npy": GOOD,
    "decompress a.rjx a.npy": WRITTEN,
    "compress digits.npy shards --shard-images 10": {
        "file": str, "made": int, "shards": int, "images": int, "image_shape": list,
    },
    "info shards": {"file": str, "shards": int, "images": int, "file_bytes": int, "image_shape": list},
    "verify shards --against digits.npy": GOOD,
    "decompress shards b.npy": WRITTEN,
    "decompress shards c.npy --index 2": WRITTEN,
    "models": {"lossless": list, "lossy": list},
    "doctor": {
        "machine": dict, "format": int, "stream": int, "compiled_programs": dict, "tests": list, "good": bool,
    },
    "doctor --conformance": {"tests": list, "good": bool},
    "bench --seconds 0.001": {"machine": dict, "rates": list},
}  # fmt: skip


def test_json_of_every_command_is_one_object_of_stable_keys(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(doctor, "checks", lambda: iter([conformance.Check("one", "")]))
    monkeypatch.setattr(conformance, "checks", lambda: iter([conformance.Check("two", "")]))
    monkeypatch.setattr("recjax.cli.bench.cases", list)
    write_images(folder / "digits.npy", load_digits().images[:20].astype(np.uint8))
    assert {command.split()[0] for command in SCHEMAS} == set(COMMANDS)
    for command, schema in SCHEMAS.items():
        code = cli.main([*command.split(), "--json"])
        out, err = capsys.readouterr()
        assert (code, err) == (cli.FINE, ""), command
        # Shards need no more than what is stored as it is, which xz beats.
        monkeypatch.setattr("recjax.cli.plain_peers.losing_to", lambda *_: None)
        monkeypatch.setattr(
            "recjax.codecs.lossless.compression.encode", lambda images, *_, **__: chunks.write_raw(images)
        )
        found = json.loads(out)
        assert {name: type(found.get(name)) for name in schema} == schema, command
        assert out.isascii() and found.get("image_shape", [8, 8]) == [8, 8]
    assert np.array_equal(np.load("b.npy"), np.load("digits.npy"))


def test_json_of_a_failure_has_what_failed_and_the_code_says_so(monkeypatch, capsys):
    monkeypatch.setattr(doctor, "checks", lambda: iter([conformance.Check("one", ""), conformance.Check("two", "bad")]))
    assert cli.main(["doctor", "--json"]) == cli.BAD_INPUT
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert not found["good"] and [check["error"] for check in found["tests"]] == ["", "bad"]
    assert "the self-test failed" in err and err.count("\n") == 1


def test_json_of_a_lossy_file_has_its_rate_and_quality(folder, monkeypatch, capsys):
    monkeypatch.chdir(folder)
    write_images(folder / "photo.npy", waves(1, 16)[:, :13, :11])
    data = (GOLDEN / "inr-photo.rjx").read_bytes()
    pixels = recjax.decompress(data, model=recjax.load_lossy_model(GOLDEN / "tiny-photo.safetensors"))
    monkeypatch.setattr("recjax.codecs.lossy.compression.encode", lambda *_, **__: Encoding(data, pixels, ()))
    model = str(GOLDEN / "tiny-photo.safetensors")
    assert cli.main(["compress", "photo.npy", "a.rjx", "--method", "inr", "--model", model, "--json"]) == cli.FINE
    found = json.loads(capsys.readouterr().out)
    assert type(found["bits_per_pixel"]) is float and type(found["psnr_db"]) is float and found["method"] == "inr"


BARS = """
from recjax.cli.process import bars
from recjax.codecs.lossy import progress as lossy_progress
from recjax.cli import common as command_parts
from types import SimpleNamespace
with command_parts.progress("compressing") as report:
    for number in range(4):
        report(number, 4)
with bars.bar() as report:
    told = lossy_progress.tell(report, (1, 8, 8, 3))
    for number in range(4):
        told(0, 1, SimpleNamespace(done=number, total=4, ends=(2, 4), bits=100.0, count=1, psnr=30.0))
"""


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"COLUMNS": "20"},
        {"TERM": "dumb"},
        {"NO_COLOR": "1"},
    ],
    ids=str,
)
def test_bars_of_progress_suit_every_terminal(environment):
    ours, theirs = pty.openpty()
    program = "from recjax.cli.process import streams; streams.prepare()\n" + BARS
    variables = {"TERM": "xterm", **os.environ, **environment}
    done = subprocess.run([sys.executable, "-c", program], stdout=theirs, stderr=theirs, env=variables, check=False)
    os.close(theirs)
    shown = b""
    try:
        while more := os.read(ours, 4096):
            shown += more
    except OSError:
        pass
    os.close(ours)
    assert done.returncode == 0 and b"Traceback" not in shown, shown
    # A cursor that was hidden is there again.
    assert shown.count(b"\x1b[?25l") == shown.count(b"\x1b[?25h")
    if "LC_ALL" in environment or "PYTHONIOENCODING" in environment:
        assert shown.isascii()


@pytest.fixture
def no_folder_is_named(monkeypatch):
    for name in (compile_cache.VARIABLE, "XDG_CACHE_HOME", "JAX_COMPILATION_CACHE_DIR"):
        monkeypatch.delenv(name, raising=False)


def test_without_a_home_nothing_is_kept(no_folder_is_named, monkeypatch):
    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    assert compile_cache.folder() is None
    monkeypatch.setenv(compile_cache.VARIABLE, "~/programs")
    assert compile_cache.folder() is None
    assert compile_cache.keep({}) is None


def test_a_home_that_cannot_be_written_costs_one_line(no_folder_is_named, monkeypatch, folder):
    (folder / "home").touch()
    monkeypatch.setenv("HOME", str(folder / "home"))
    command = [sys.executable, "-m", "recjax"]
    verified = subprocess.run([*command, "verify", "good.rjx"], cwd=folder, capture_output=True, text=True, check=True)
    assert verified.stdout.startswith("good.rjx is good")
    assert verified.stderr.count("\n") == 1 and "compiled programs are not kept" in verified.stderr
    told = subprocess.run([*command, "info", "good.rjx"], cwd=folder, capture_output=True, text=True, check=True)
    assert told.stderr == ""
