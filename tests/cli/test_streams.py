"""Standard input and output in the place of files, by the name of -."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from recjax.cli import main as cli
from recjax.codecs import decompress as files
from recjax.container import chunks
from recjax.container import file as container
from recjax.images.source import open_source
from recjax.shards import folder as shards
from training import data

IMAGES = data.load("digits", "test").images[:5]
COMMAND = [sys.executable, "-m", "recjax"]


@pytest.fixture
def run(tmp_path, monkeypatch, capfdbinary):
    monkeypatch.chdir(tmp_path)

    def run(*arguments, given=b""):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(given)))
        code = cli.main(list(arguments))
        out, err = capfdbinary.readouterr()
        return code, out, err.decode()

    return run


def npy(images) -> bytes:
    stream = io.BytesIO()
    np.save(stream, images)
    return stream.getvalue()


def png(image) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG")
    return stream.getvalue()


def test_images_go_through_pipes(run):
    code, file, said = run("compress", "-", "-", given=npy(IMAGES))
    assert code == 0 and said.startswith("-: 5 images") and np.array_equal(files.decompress(file), IMAGES)
    code, out, said = run("decompress", "-", "-", given=file)
    assert (code, said) == (0, "-: 5 images\n") and np.array_equal(np.load(io.BytesIO(out)), IMAGES)
    code, out, said = run("decompress", "-", "-", "--index", "3", given=file)
    assert (code, said) == (0, "-: 1 image\n") and np.array_equal(np.load(io.BytesIO(out)), IMAGES[3:4])
    code, out, said = run("verify", "-", given=file)
    assert (code, said) == (0, "") and b"is good: 5 images" in out
    code, out, said = run("info", "-", given=file)
    assert (code, said) == (0, "") and b"digits" in out
    Path("a.rjx").write_bytes(file)
    assert run("verify", "a.rjx", "--against", "-", given=npy(IMAGES))[0] == 0
    assert run("verify", "a.rjx", "--against", "-", given=npy(IMAGES[::-1]))[0] == 1
    assert os.listdir() == ["a.rjx"]


def test_a_png_is_told_by_its_first_bytes(run):
    code, out, _ = run("compress", "-", "-", given=png(IMAGES[0]))
    assert code == 0 and np.array_equal(files.decompress(out), IMAGES[:1])


def test_shards_are_written_to_standard_output(run):
    np.save("in.npy", IMAGES)
    shards.compress(open_source("in.npy"), Path("out"), 2, {}, lambda images, *seed: chunks.write_raw(images))
    code, out, said = run("decompress", "out", "-")
    assert (code, said) == (0, "-: 5 images\n") and np.array_equal(np.load(io.BytesIO(out)), IMAGES)


@pytest.mark.parametrize(
    ("arguments", "given", "told"),
    [
        (("info", "-"), b"", "does not begin as a file of recjax"),
        (("info", "-"), npy(IMAGES), "does not begin as a file of recjax"),
        (("verify", "-"), b"RJX", "is truncated"),
        (("compress", "-", "out.rjx"), b"GIF89a....", "does not begin as an .npy or a PNG"),
        (
            ("compress", "-", "out.rjx"),
            npy(IMAGES)[:-1],
            "standard input declares images of shape (5, 8, 8) but holds 319 bytes",
        ),
        (("compress", "-", "out.rjx"), png(IMAGES[0])[:20], "standard input is a damaged PNG"),
    ],
)
def test_other_bytes_are_told(run, arguments, given, told):
    code, out, said = run(*arguments, given=given)
    assert code == 1 and out == b"" and told in said and said.count("\n") == 1 and "recjax-" not in said
    assert os.listdir() == []


@pytest.mark.parametrize("command", ["info", "verify", "compress"])
def test_streams_without_an_end_are_read_no_further_than_the_cap(tmp_path, monkeypatch, capsys, command):
    monkeypatch.chdir(tmp_path)
    beginning = npy(IMAGES) if command == "compress" else chunks.write_raw(IMAGES)
    read: list[int] = []

    class Endless(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            buffer[:] = (beginning * (not read)).ljust(len(buffer), b"\0")[: len(buffer)]
            read.append(len(buffer))
            return len(buffer)

    monkeypatch.setattr("recjax.images.files.MAX_BYTES", 1 << 20)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Endless())))
    rest = ["out.rjx"] if command == "compress" else ["--max-bytes", str(1 << 20)]
    assert cli.main([command, "-", *rest]) == 1
    said = capsys.readouterr().err
    assert "standard input" in said and "more than" in said
    assert sum(read) < container.largest_file(1 << 20) + (4 << 20)


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stream", [None, Terminal()], ids=["closed", "terminal"])
def test_terminals_and_closed_streams_are_told(tmp_path, monkeypatch, capsys, stream):
    monkeypatch.chdir(tmp_path)
    np.save("in.npy", IMAGES)
    Path("good.rjx").write_bytes(chunks.write_raw(IMAGES))
    word = "closed" if stream is None else "a terminal"
    for arguments in (("compress", "in.npy", "-"), ("decompress", "good.rjx", "-")):
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", stream)
            assert cli.main(list(arguments)) == 1
        assert f"standard output is {word}" in capsys.readouterr().err
    monkeypatch.setattr(sys, "stdin", stream)
    for arguments in (("compress", "-", "out.rjx"), ("info", "-"), ("verify", "good.rjx", "--against", "-")):
        assert cli.main(list(arguments)) == 1
        assert f"standard input is {word}" in capsys.readouterr().err


def test_standard_output_that_takes_nothing_is_one_sentence(tmp_path):
    raw = chunks.write_raw(IMAGES)
    pipes = {"input": raw, "stderr": subprocess.PIPE, "cwd": tmp_path, "check": False}
    with open("/dev/full", "wb") as full:
        done = subprocess.run([*COMMAND, "decompress", "-", "-"], stdout=full, **pipes)
    assert done.returncode == 1 and done.stderr.count(b"\n") == 1 and b"make room on the disk" in done.stderr
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*COMMAND, "decompress", "-", "-"], stdout=write, **pipes)
    os.close(write)
    assert (done.returncode, done.stderr) == (cli.NO_READER, b"")
