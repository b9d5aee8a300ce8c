"""Outputs that must not be written, inputs that cannot be read: one sentence, at once, and nothing on disk changes."""

import os
import shutil
import signal
import socket
import stat
from pathlib import Path

import numpy as np
import pytest

from recjax.cli import main as cli
from recjax.container import chunks
from recjax.images.files import read_images, write_images
from recjax.images.source import open_source
from recjax.pretrained.cards import PRETRAINED
from recjax.shards import folder as shards

IMAGES = np.random.default_rng(0).integers(0, 17, (3, 8, 8), np.uint8)
KINDS = ("pipe", "device", "socket")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A folder of sources, outputs of earlier calls, and what is neither; whatever codes images fails."""
    monkeypatch.chdir(tmp_path)

    def work(*arguments, **options):
        raise AssertionError("outputs and inputs are checked before the work")

    monkeypatch.setattr("recjax.codecs.lossless.compression.encode", work)
    monkeypatch.setattr("recjax.codecs.decompress.decode", work)
    np.save("in.npy", IMAGES)
    write_images("one.png", IMAGES[:1])
    write_images("scans", IMAGES)
    write_images("pngs", IMAGES)
    write_images("mixed", IMAGES)
    Path("mixed/notes.txt").write_text("dear")
    for name in ("gap", "linked", "nested"):
        write_images(name, IMAGES)
        Path(f"{name}/00001.png").unlink()
    Path("linked/00001.png").symlink_to("../one.png")
    Path("nested/00001.png").mkdir()
    Path("good.rjx").write_bytes(chunks.write_raw(IMAGES))
    Path("good.npy").write_bytes(chunks.write_raw(IMAGES))
    Path("pngs-too").mkdir()
    Path("pngs-too/00000.png").write_bytes(chunks.write_raw(IMAGES))
    shards.compress(open_source("in.npy"), Path("shards"), 2, {}, lambda images, *seed: chunks.write_raw(images))
    for name in ("old.rjx", "old.npy", "old.png"):
        Path(name).write_text("old")
    Path("empty").mkdir()
    Path("run").mkdir()
    for name in ("mine.safetensors", "run/model.safetensors"):
        shutil.copy(PRETRAINED / "digits.safetensors", name)
    for suffix in ("", ".npy", ".png"):
        os.mkfifo(f"pipe{suffix}")
        Path(f"device{suffix}").symlink_to("/dev/zero")
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(f"socket{suffix}")
        Path(f"nowhere{suffix}").symlink_to(f"none{suffix}")
        Path(f"loop{suffix}").symlink_to(f"loop{suffix}")
    for name, source in (("in", "in.npy"), ("good", "good.rjx"), ("good-npy", "good.npy"), ("scan", "scans/00001.png")):
        os.link(source, f"hard-{name}{Path(source).suffix}")
        Path(f"link-{name}{Path(source).suffix}").symlink_to(source)
    Path("link-scans").symlink_to("scans")
    for kind in KINDS:
        Path(f"scans-with-{kind}").mkdir()
        shutil.copy("one.png", f"scans-with-{kind}/a.png")
        os.link(f"{kind}.png", f"scans-with-{kind}/b.png", follow_symlinks=False)
    return tmp_path


@pytest.fixture
def refused(folder, capsys):
    """Runs a command that must fail, within seconds, without a trace; returns its code and its sentence."""

    def run(*arguments):
        before = snapshot(folder)
        signal.signal(signal.SIGALRM, lambda *_: pytest.fail("a command waits"))
        signal.alarm(20)
        try:
            code = cli.main([str(argument) for argument in arguments])
        finally:
            signal.alarm(0)
        out, err = capsys.readouterr()
        assert out == "" and err.startswith("recjax: ") and err.count("\n") == 1, err
        assert "unexpected" not in err and ".recjax" not in err
        assert snapshot(folder) == before
        return code, err

    return run


def snapshot(folder: Path) -> dict[str, tuple]:
    """Name, kind and mode, link count, and contents of all that is in a folder."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        regular = stat.S_ISREG(status.st_mode) and status.st_size < 1 << 20
        content = os.readlink(path) if path.is_symlink() else path.read_bytes() if regular else None
        found[str(path.relative_to(folder))] = (status.st_mode, status.st_nlink, status.st_ino, content)
    return found


FORCE = "--force"
SHARDS = ("--shard-images", "2")
READ, BELONGS, EXISTS, NO_FILE = "is what is read", "belongs to", "--force", "exists and is not a file"
OUTPUTS = [
    # The output is the input, by whatever name.
    (READ, "compress", "in.npy", "in.npy", FORCE),
    (READ, "compress", "in.npy", "in.npy"),
    (READ, "compress", "in.npy", "empty/../in.npy", FORCE),
    (READ, "compress", "in.npy", "hard-in.npy", FORCE),
    (READ, "compress", "in.npy", "link-in.npy", FORCE),
    (READ, "compress", "link-in.npy", "hard-in.npy", FORCE),
    (READ, "compress", "one.png", "one.png", FORCE),
    (READ, "compress", "scans", "scans", FORCE),
    (READ, "compress", "scans", "link-scans", *SHARDS),
    (READ, "compress", "in.npy", "in.npy", *SHARDS),
    (READ, "decompress", "good.npy", "good.npy", FORCE),
    (READ, "decompress", "good.npy", "hard-good-npy.npy", FORCE),
    (READ, "decompress", "good.npy", "link-good-npy.npy", FORCE),
    (READ, "decompress", "good.rjx", "good.rjx", FORCE),
    (READ, "decompress", "shards", "shards", FORCE),
    (READ, "compress", "in.npy", "mine.safetensors", FORCE, "--model", "mine.safetensors"),
    (READ, "compress", "in.npy", "run/model.safetensors", FORCE, "--model", "run"),
    (READ, "decompress", "good.rjx", "mine.safetensors", FORCE, "--model", "mine.safetensors"),
    # It lies in the folder that is read, or the other way round.
    (BELONGS, "compress", "scans", "scans/out.rjx"),
    (BELONGS, "compress", "scans", "link-scans/out.rjx"),
    (BELONGS, "compress", "scans", "scans/00000.png", FORCE),
    (BELONGS, "compress", "scans", "hard-scan.png", FORCE),
    (BELONGS, "compress", "scans", "link-scan.png", FORCE),
    (BELONGS, "compress", "scans", "scans/out", *SHARDS),
    (BELONGS, "compress", ".", "out.rjx"),
    (BELONGS, "decompress", "shards", "shards/out.npy"),
    ("which is read, lies in", "decompress", "pngs-too/00000.png", "pngs-too", FORCE),
    ("which is read, lies in", "decompress", "good.rjx", ".", FORCE),
    ("which is read, lies in", "compress", "scans/00000.png", "scans", FORCE),
    # It is there, or something that is not to be replaced.
    (EXISTS, "compress", "in.npy", "old.rjx"),
    (EXISTS, "decompress", "good.rjx", "old.npy"),
    (EXISTS, "decompress", "good.rjx", "old.png", "--index", "1"),
    (EXISTS, "decompress", "good.rjx", "pngs"),
    (EXISTS, "decompress", "shards", "old.npy"),
    (EXISTS, "decompress", "shards", "pngs"),
    *(("holds more than", "decompress", "good.rjx", name, FORCE) for name in ("mixed", "gap", "linked", "nested")),
    ("holds more than the images", "decompress", "shards", "mixed", FORCE),
    ("neither an empty folder", "compress", "in.npy", "old.rjx", *SHARDS),
    ("neither an empty folder", "compress", "in.npy", "mixed", *SHARDS),
    (NO_FILE, "compress", "in.npy", "empty", FORCE),
    *((NO_FILE, "compress", "in.npy", kind, FORCE) for kind in KINDS),
    *((NO_FILE, "decompress", "good.rjx", f"{kind}.npy", FORCE) for kind in KINDS),
    *(("not an empty folder", "decompress", "good.rjx", kind, FORCE) for kind in KINDS),
    *(("neither an empty folder", "compress", "in.npy", kind, *SHARDS) for kind in KINDS),
    ("name - for standard output", "compress", "in.npy", "/dev/stdout", FORCE),
    ("name - for standard output", "decompress", "good.rjx", "/dev/fd/1", FORCE),
    # It cannot be made.
    ("a link to", "compress", "in.npy", "nowhere", FORCE),
    ("a link to", "compress", "in.npy", "loop", FORCE),
    ("a link to", "compress", "in.npy", "nowhere", *SHARDS),
    ("a link to", "decompress", "good.rjx", "nowhere.npy", FORCE),
    ("a link to", "decompress", "good.rjx", "nowhere", FORCE),
    ("make it first", "compress", "in.npy", "none/out.rjx"),
    ("make it first", "compress", "in.npy", "in.npy/out.rjx"),
    ("make it first", "compress", "in.npy", "none/out", *SHARDS),
    ("make it first", "decompress", "good.rjx", "none/out.npy"),
    ("make it first", "decompress", "good.rjx", "none/out"),
    ("make it first", "decompress", "shards", "none/out.npy"),
    ("check the path", "compress", "in.npy", "/proc/out.rjx"),
    ("check the path", "compress", "in.npy", "/proc/out", *SHARDS),
    ("check the path", "decompress", "good.rjx", "/proc/out.npy"),
    ("check the path", "decompress", "good.rjx", "/proc/out"),
    ("name too long", "compress", "in.npy", "x" * 256),
    ("name too long", "compress", "in.npy", "x" * 256, *SHARDS),
    ("name too long", "decompress", "good.rjx", "x" * 256),
    # It does not fit.
    ("can hold one image", "decompress", "good.rjx", "out.png"),
    ("can hold one image", "decompress", "shards", "out.png"),
    ("has the suffix", "decompress", "good.rjx", "out.gif"),
    ("has the suffix", "decompress", "shards", "out.gif", "--index", "1"),
]


@pytest.mark.parametrize(("told", "arguments"), [(told, arguments) for told, *arguments in OUTPUTS], ids=str)
def test_outputs_are_refused_before_the_work(refused, told, arguments):
    code, said = refused(*arguments)
    assert code == cli.BAD_INPUT and told in said


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write anywhere")
@pytest.mark.parametrize("arguments", [("compress", "in.npy", "empty/out.rjx"), ("decompress", "good.rjx", "empty/a")])
def test_folders_that_take_no_files_are_told(refused, arguments):
    Path("empty").chmod(0o500)
    assert refused(*arguments)[0] == cli.BAD_INPUT


USAGE = [
    ("have a name", "compress", "-", "out", *SHARDS),
    ("have a name", "compress", "in.npy", "-", *SHARDS),
    ("leave --force out", "compress", "in.npy", "out", FORCE, *SHARDS),
    ("name one of them", "verify", "-", "--against", "-"),
    ("have a name", "verify", "shards", "--against", "-"),
]


@pytest.mark.parametrize(("told", "arguments"), [(told, arguments) for told, *arguments in USAGE], ids=str)
def test_streams_and_options_that_do_not_go_together_are_told(refused, told, arguments):
    code, said = refused(*arguments)
    assert code == cli.USAGE and told in said


def reads(source: str) -> list[tuple]:
    """All commands, reading a file of this name."""
    return [
        ("info", source),
        ("verify", source),
        ("decompress", source, "out.npy"),
        *((command, *rest) for command, *rest in image_reads(source)),
    ]


def image_reads(source: str) -> list[tuple]:
    return [
        ("compress", f"{source}.npy", "out.rjx"),
        ("compress", f"{source}.png", "out.rjx"),
        ("compress", f"{source}.npy", "out.rjx", "--method", "inr"),
        ("verify", "good.rjx", "--against", f"{source}.npy"),
        ("verify", "good.rjx", "--against", f"{source}.png"),
    ]


INPUTS = [
    *((f"is a {kind}, not a file", *arguments) for kind in KINDS for arguments in reads(kind)),
    *(("", *arguments) for name in ("none", "nowhere", "loop") for arguments in reads(name)),
    *(("is a folder, not a file", verb, "empty", *out) for verb, *out in (("info",), ("verify",), ("decompress", "o"))),
    *((f"is a {kind}, not", "compress", f"scans-with-{kind}", "out.rjx") for kind in KINDS),
    *((f"is a {kind}, not", "verify", "good.rjx", "--against", f"scans-with-{kind}") for kind in KINDS),
    *((f"is a {kind}, not a file", "compress", f"scans-with-{kind}", "out", *SHARDS) for kind in KINDS),
    *((f"is a {kind}, not a file", "compress", f"{kind}.npy", "out", *SHARDS) for kind in KINDS),
    *((f"is a {kind}, not a file", "verify", "shards", "--against", f"{kind}.npy") for kind in KINDS),
    *(("there is no model", "compress", "in.npy", "out.rjx", "--model", kind) for kind in KINDS),
    *(("there is no model", "compress", "one.png", "o.rjx", "--method", "inr", "--model", kind) for kind in KINDS),
    *(("there is no model", "verify", "good.rjx", "--model", kind) for kind in KINDS),
    *(("there is no model", "decompress", "good.rjx", "out.npy", "--model", kind) for kind in KINDS),
]


@pytest.mark.parametrize(("told", "arguments"), [(told, arguments) for told, *arguments in INPUTS], ids=str)
def test_inputs_without_an_end_are_refused_at_once(refused, told, arguments):
    code, said = refused(*arguments)
    assert code == cli.BAD_INPUT and told in said


def test_files_that_the_system_makes_up_end(refused):
    if not Path("/proc/version").exists():
        pytest.skip("there is no /proc")
    assert refused("info", "/proc/version")[0] == cli.BAD_INPUT


def test_a_large_file_is_not_read(refused):
    with open("large.rjx", "wb") as file:
        file.truncate(1 << 42)
    for arguments in (("info", "large.rjx"), ("verify", "large.rjx"), ("decompress", "large.rjx", "out.npy")):
        code, said = refused(*arguments)
        assert code == cli.BAD_INPUT and "raise --max-bytes" in said


@pytest.fixture
def run(folder, monkeypatch, capsys):
    """Runs a command that must succeed; images are stored as they are."""
    monkeypatch.setattr(
        "recjax.codecs.lossless.compression.encode", lambda images, *model, **options: chunks.write_raw(images)
    )
    monkeypatch.setattr("recjax.codecs.decompress.decode", lambda file, **options: chunks.read_raw(file))
    mask = os.umask(0o022)

    def run(*arguments):
        assert cli.main(list(arguments)) == cli.FINE, capsys.readouterr().err
        assert not list(folder.rglob(".*"))

    yield run
    os.umask(mask)


def permissions(name: str) -> int:
    return stat.S_IMODE(os.stat(name).st_mode)


def test_commands_make_outputs_as_private_as_their_inputs(run):
    run("compress", "in.npy", "open.rjx")
    assert permissions("open.rjx") == 0o644
    for name in ("in.npy", "good.rjx"):
        os.chmod(name, 0o600)
    os.chmod("shards", 0o700)
    run("compress", "in.npy", "out.rjx")
    run("compress", "in.npy", "more", *SHARDS)
    run("decompress", "good.rjx", "out.npy")
    run("decompress", "good.rjx", "out")
    run("decompress", "shards", "whole.npy")
    assert {permissions(name) for name in ("out.rjx", "out.npy", "whole.npy", "more/00001.rjx")} == {0o600}
    assert {permissions(name) for name in ("out", "more")} == {0o700}


def test_force_replaces_and_keeps_permissions(run):
    for name in ("old.rjx", "old.npy"):
        os.chmod(name, 0o640)
    Path("link.npy").symlink_to("old.npy")
    os.chmod("pngs", 0o750)
    run("compress", "in.npy", "old.rjx", FORCE)
    run("decompress", "old.rjx", "link.npy", FORCE)
    write_images("fewer.npy", IMAGES[:2])
    run("compress", "fewer.npy", "fewer.rjx")
    run("decompress", "fewer.rjx", "pngs", FORCE)
    assert np.array_equal(np.load("old.npy"), IMAGES) and os.readlink("link.npy") == "old.npy"
    assert np.array_equal(read_images("pngs"), IMAGES[:2])
    assert [permissions(name) for name in ("old.rjx", "old.npy", "pngs")] == [0o640, 0o640, 0o750]


def test_shards_are_gone_on_with_without_force(run):
    for _ in range(2):
        run("compress", "in.npy", "more", *SHARDS)
        os.unlink("more/00001.rjx")
    run("compress", "in.npy", "more", *SHARDS)
    Path("link-more").symlink_to("more")
    run("compress", "in.npy", "link-more", *SHARDS)
    run("decompress", "more", "again.npy")
    assert np.array_equal(np.load("again.npy"), IMAGES)
