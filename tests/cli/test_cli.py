import errno
import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from recjax.cli import commands
from recjax.cli import main as cli
from recjax.codecs import stored
from recjax.codecs.lossless.method import load_named_model
from recjax.codecs.lossless.options import BlockOptions
from recjax.container import chunks
from recjax.container import file as container
from recjax.images.files import read_images, write_images
from recjax.models.vae.evaluate import load_model, save_model
from tests.cli import fake_coder


@pytest.fixture
def fake_codec(monkeypatch):
    """A coder that stores its images, and remembers what it was asked."""
    module = fake_coder.make()
    monkeypatch.setitem(sys.modules, fake_coder.NAME, module)
    return module


@pytest.fixture
def images(tmp_path):
    images = np.random.default_rng(0).integers(0, 17, (20, 8, 8), np.uint8)
    write_images(tmp_path / "in.npy", images)
    return images


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_commands_are_those_of_the_help():
    assert list(commands.COMMANDS) == list(cli.SUMMARIES)


def test_compress_decompress_verify(run, images, fake_codec, monkeypatch):
    code, out, err = run(
        "compress", "in.npy", "a.rjx", "--method", "orc", "--no-partition", "--candidates", 64, "--seed", 7
    )
    assert code == 0 and "20 images" in out and "Stored as they are" in out
    # So small values, stored as they are, take more than xz makes of them.
    assert err.startswith("recjax: a.rjx: xz of the same images would take ") and err.count("\n") == 1
    assert fake_codec.seen["options"] == BlockOptions(partition=False, candidates=64)
    assert (fake_codec.seen["method"], fake_codec.seen["seed"]) == ("orc", 7)
    asked = {}

    def decode(file, **rest):
        asked.update(rest)
        return stored.decode(file)

    with monkeypatch.context() as patch:
        patch.setattr("recjax.codecs.decompress.decode", decode)
        assert run("decompress", "a.rjx", "out.npy", "--max-seconds", 7)[0] == 0
    assert (asked["max_seconds"], asked["ignore_fingerprint"], asked["model"]) == (7.0, False, None)
    assert np.array_equal(np.load("out.npy"), images)
    assert run("decompress", "a.rjx", "one.png", "--index", 17)[0] == 0
    assert run("verify", "a.rjx", "--against", "in.npy")[0] == 0
    code, out, err = run("verify", "a.rjx", "--against", "one.png")
    assert code == 1 and "holds images of shape 20x8x8, and one.png those of 1x8x8; name the images" in err
    write_images(Path("others.npy"), images[::-1])
    code, out, err = run("verify", "a.rjx", "--against", "others.npy")
    assert code == 1 and "are not those of" in err


@pytest.mark.parametrize("method", ["bb-ans", "orc"])
def test_the_codec_itself(run, tmp_path, method):
    images = load_digits().images[:8].astype(np.uint8)
    write_images(tmp_path / "scans", images)
    search = () if method == "bb-ans" else ("--candidates", 64, "--block-bits", 6, "--no-partition")
    code, out, err = run("compress", "scans", "a.rjx", "--method", method, *search)
    assert (code, err) == (0, "") and "8 images" in out and f"by {method} with the model digits" in out
    assert json.loads(run("info", "a.rjx", "--json")[1])["model"] == "digits"
    code, out, _ = run("verify", "a.rjx", "--against", "scans")
    assert code == 0 and "is good" in out
    assert run("decompress", "a.rjx", "one.png", "--index", 7)[0] == 0
    assert np.array_equal(read_images(tmp_path / "one.png")[0], images[7])
    assert run("decompress", "a.rjx", "back")[0] == 0
    assert np.array_equal(read_images(tmp_path / "back"), images)
    code, _, err = run("compress", "scans", "b.rjx", "--method", "orc", "--candidates", 5)
    assert code == 2 and "power of two" in err and not (tmp_path / "b.rjx").exists()
    write_images(tmp_path / "bright.npy", images + np.uint8(100))
    code, _, err = run("compress", "bright.npy", "b.rjx", "--method", method)
    assert code == 1 and "pixel values 0 to 16" in err


def test_info_tells_what_a_file_holds(run):
    lengths = np.random.default_rng(0).integers(100, 160, 100)
    parameters = {
        "partition": 1,
        "candidates_log2": 12,
        "block_budget_bits_q10": 9,
        "index_code": 1,
        "chunk_images": 64,
    }
    header = container.Header("orc", bytes(range(8)), 100, (8, 8), 5, parameters)
    parts = (slice(0, 64), slice(64, 100))
    bodies = [chunks.pack_messages(bytes(-(-lengths[part].sum() // 8)), lengths[part]) for part in parts]
    with open("a.rjx", "wb") as file:
        file.write(container.write(header, bodies))
    code, out, _ = run("info", "a.rjx", "--json")
    facts = json.loads(out)
    assert code == 0 and facts["method"] == "orc" and facts["images"] == 100 and facts["parameters"] == parameters
    assert facts["message_bits"]["max"] == lengths.max() and facts["model"] is None
    assert facts["file_bytes"] == facts["overhead_bytes"] + facts["directory_bytes"] + sum(
        -(-int(lengths[part].sum()) // 8) for part in parts
    )
    code, out, _ = run("info", "a.rjx")
    assert code == 0 and "orc" in out


BAD_INPUTS = {
    "no file": ("info", "none.rjx"),
    "no image": ("compress", "none.npy", "a.rjx"),
    "not a file of recjax": ("info", "text"),
    "not to be decoded": ("decompress", "text", "out.npy"),
    "image out of range": ("decompress", "good.rjx", "out.npy", "--index", "20"),
    "more than allowed": ("verify", "good.rjx", "--max-bytes", "100"),
    "no such folder": ("decompress", "good.rjx", "none/out.npy"),
    "a folder to decode": ("verify", "folder"),
    "a folder in the place of the file": ("compress", "in.npy", "folder"),
    "a pipe in the place of the file": ("compress", "in.npy", "pipe"),
    "a pipe in the place of the images": ("decompress", "good.rjx", "pipe.npy"),
    "a place where no file can be": ("compress", "in.npy", "/proc/a.rjx"),
    "cut short": ("verify", "cut.rjx"),
    "bit flipped": ("decompress", "flipped.rjx", "out.npy"),
}


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_bad_input_is_one_sentence_and_exit_code_1(run, images, fake_codec, tmp_path, name):
    (tmp_path / "text").write_text("hello")
    good = chunks.write_raw(images)
    for file, data in (("good", good), ("cut", good[:-9]), ("flipped", good[:-9] + bytes([good[-9] ^ 1]) + good[-8:])):
        (tmp_path / f"{file}.rjx").write_bytes(data)
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.npy")
    code, out, err = run(*BAD_INPUTS[name])
    assert code == 1 and out == ""
    assert err.startswith("recjax: ") and err.count("\n") == 1 and "Traceback" not in err
    assert "Traceback" in run(*BAD_INPUTS[name], "--debug")[2]
    assert not list(tmp_path.glob("out*")) and not list(tmp_path.glob(".*"))
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "pipe.npy").is_fifo()


def test_a_bug_is_one_sentence_too(run, images, fake_codec, monkeypatch):
    monkeypatch.setattr(fake_codec, "load_model", lambda *_: 1 / 0)
    code, _, err = run("compress", "in.npy", "a.rjx")
    assert code == 1 and "ZeroDivisionError" in err and err.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("pack",),
        ("compress", "in.npy"),
        ("compress", "a", "b", "--method", "zip"),
        ("compress", "a", "b", "--candidates", "five"),
        ("info", "a", "--jsn"),
        ("models", "x"),
    ],
)
def test_wrong_usage_is_one_sentence_and_exit_code_2(run, arguments):
    code, out, err = run(*arguments)
    assert code == 2 and out == ""
    assert err.startswith("recjax: ") and err.count("\n") == 1 and not set("│─╭╰") & set(err)


def test_a_full_disk_is_told_without_a_name_that_is_not_known():
    full = OSError(errno.ENOSPC, "No space left on device")
    assert cli.sentence(full) == "No space left on device; make room on the disk."


def test_no_command_is_wrong_usage_that_gets_help(run):
    code, out, _ = run()
    assert code == 2 and "commands" in out


@pytest.mark.parametrize(
    "arguments", [("--help",), ("-h",), ("--version",), *((name, "--help") for name in cli.SUMMARIES)]
)
def test_help_and_version(run, arguments):
    code, out, err = run(*arguments)
    assert code == 0 and out and err == ""


def test_help_is_quick_and_imports_no_jax():
    script = (
        "import sys, recjax.cli.main as c; c.main(['--help']); sys.exit('jax' in sys.modules or 'numpy' in sys.modules)"
    )
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    # The bound on an idle machine is 0.4 s (0.1 s measured); tests share their cores.
    assert min(seconds) < 1.0


def test_a_folder_of_images_may_be_called_like_a_released_model(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "digits").mkdir()
    assert load_named_model("digits") is load_model("digits")
    save_model(tmp_path / "digits" / "model.safetensors", replace(load_model("digits"), name="mine"))
    assert load_named_model("digits").name == "mine"


def test_models_are_listed_with_their_rates_and_without_jax(run):
    code, out, err = run("models")
    assert (code, err) == (0, "")
    line = next(line for line in out.splitlines() if line.startswith("digits "))
    assert all(words in line for words in ("8x8, 17 levels", "bb-ans", "orc", "813bad398cb8119e"))
    script = (
        "import sys, recjax.cli.main as c; c.main(['models']); sys.exit('jax' in sys.modules or 'numpy' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, capture_output=True)


def test_info_and_bad_usage_import_no_jax(tmp_path):
    (tmp_path / "a.rjx").write_bytes(chunks.write_raw(np.zeros((2, 8, 8), np.uint8)))
    script = (
        "import sys, recjax.cli.main as c; codes = [c.main(['info', sys.argv[1]]), c.main(['compress', '--no'])];"
        "assert codes == [0, 2], codes; assert 'jax' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", script, tmp_path / "a.rjx"], check=True, capture_output=True)


def test_the_installed_script_runs():
    found = subprocess.run([sys.executable, "-m", "recjax", "--version"], check=True, capture_output=True, text=True)
    assert found.stdout == f"recjax {version('recjax')}\n"


def test_floats_are_marked_and_refused_elsewhere(run, images, monkeypatch):
    code, out, err = run("compress", "in.npy", "a.rjx", "--arithmetic", "float")
    assert code == 0 and "xz of the same images" in err and "it decodes here, if at all" in out
    code, out, err = run("info", "a.rjx")
    assert code == 0 and "float, of fingerprint" in out
    assert run("decompress", "a.rjx", "out.npy")[0] == 0
    assert np.array_equal(read_images(Path("out.npy")), images)
    monkeypatch.setattr("recjax.codecs.lossless.fingerprint._cpu_flags", lambda: "another")
    code, out, err = run("decompress", "a.rjx", "other.npy")
    assert code == 1 and "another machine, version or batch" in err and not Path("other.npy").exists()
    assert run("decompress", "a.rjx", "other.npy", "--ignore-fingerprint")[0] == 0
    code, out, err = run("compress", "in.npy", "b.rjx", "--method", "inr", "--arithmetic", "float")
    assert code == 2 and "inr has no use for arithmetic, which belongs to bb-ans, pfr" in err


COMMAND = [sys.executable, "-c", "from recjax.cli.main import main; raise SystemExit(main())"]


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_closed_pipe_is_no_error(stream):
    read, write = os.pipe()
    os.close(read)
    rest = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | {stream: write}
    done = subprocess.run([*COMMAND, "--help" if stream == "stdout" else "nothing"], check=False, **rest)
    os.close(write)
    assert done.returncode == (141 if stream == "stdout" else 2) and not done.stdout and not done.stderr


def test_output_that_cannot_be_written_is_one_sentence():
    closed = subprocess.run(["bash", "-c", '"$@" >&-', "-", *COMMAND, "--version"], capture_output=True, check=False)
    told = b"recjax: standard output: Bad file descriptor; check the path and its permissions.\n"
    assert (closed.returncode, closed.stderr) == (1, told)
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            done = subprocess.run([*COMMAND, "--help"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 1 and "No space left on device; make room on the disk." in done.stderr
        assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_a_full_disk_is_one_sentence_and_loses_nothing(run, images, fake_codec, monkeypatch, call):
    assert run("compress", "in.npy", "a.rjx", "--model", "fake")[0] == 0
    before = Path("a.rjx").read_bytes()

    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    def begun(path, data):
        with open(path, "wb") as file:
            file.write(data[:10])
        full()

    monkeypatch.setattr(*((Path, "write_bytes", begun) if call == "write" else (os, "fsync", full)))
    code, _, err = run("compress", "in.npy", "a.rjx", "--model", "fake", "--force")
    assert (code, err) == (1, "recjax: a.rjx: No space left on device; make room on the disk.\n")
    assert Path("a.rjx").read_bytes() == before and sorted(os.listdir()) == ["a.rjx", "in.npy"]
