"""Outputs that are replaced: permissions, links, long names, and what killed processes left beside them."""

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from recjax.images.files import read_images, write_images, write_parts
from recjax.io import atomic, folder_swap
from recjax.io.atomic import write_atomically
from recjax.io.privacy import private_as

OLD, NEW = np.zeros((3, 4, 4), np.uint8), np.arange(48, dtype=np.uint8).reshape(3, 4, 4)
NAMES = ("out.npy", "out")


def mode(path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    mask = os.umask(0o022)
    yield tmp_path
    os.umask(mask)


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o750])
@pytest.mark.parametrize("name", NAMES)
def test_what_is_replaced_leaves_its_permissions(name, kept):
    write_images(name, OLD)
    os.chmod(name, kept)
    write_images(name, NEW, overwrite=True)
    assert np.array_equal(read_images(name), NEW) and mode(name) == kept and os.listdir() == [name]


@pytest.mark.parametrize(("kept", "left"), [((0o644, 0o600, 0o644), 0o600), ((0o444, 0o644, 0o644), 0o644)])
def test_images_of_a_folder_that_is_replaced_leave_theirs(kept, left):
    write_images("out", OLD)
    for number, permissions in enumerate(kept):
        os.chmod(f"out/{number:05}.png", permissions)
    write_images("out", NEW, overwrite=True)
    assert {mode(f"out/{number:05}.png") for number in range(3)} == {left}


def test_a_folder_that_nobody_may_change_is_replaced():
    write_images("out", OLD)
    os.chmod("out", 0o555)
    write_images("out", NEW, overwrite=True)
    assert mode("out") == 0o555 and np.array_equal(read_images("out"), NEW) and os.listdir() == ["out"]


@pytest.mark.parametrize("name", NAMES)
def test_errors_name_what_could_not_be_read_or_written(name):
    def parts(path):
        yield NEW[:1]
        raise OSError(errno.EIO, "Input/output error", path)

    for path, told in ((f".recjax-0-1/{name}", name), ("shards/00001.rjx", "shards/00001.rjx"), (None, name)):
        with pytest.raises(OSError, match=f"Input/output error: '{told}'"):
            write_parts(name, parts(path), 3, (4, 4))
    assert os.listdir() == []


@pytest.mark.parametrize(("mask", "file", "folder"), [(0o022, 0o644, 0o755), (0o027, 0o640, 0o750)])
def test_what_is_made_has_those_of_the_umask(mask, file, folder):
    os.umask(mask)
    for name in NAMES:
        write_images(name, NEW)
    assert (mode("out.npy"), mode("out")) == (file, folder)


def test_an_empty_folder_keeps_its_permissions():
    os.mkdir("out", 0o700)
    write_images("out", NEW)
    assert mode("out") == 0o700 and np.array_equal(read_images("out"), NEW)


PRIVATE = [
    ({"in": 0o644}, 0o644, 0o755),
    ({"in": 0o640}, 0o640, 0o750),
    ({"in": 0o600}, 0o600, 0o700),
    ({"in": 0o400}, 0o600, 0o700),
    ({"in/": 0o700, "in/a": 0o644}, 0o600, 0o700),
    ({"in/": 0o755, "in/a": 0o644, "in/b": 0o600}, 0o600, 0o700),
    ({}, 0o600, 0o700),
]


@pytest.mark.parametrize(("sources", "file", "folder"), PRIVATE, ids=str)
def test_outputs_are_no_more_readable_than_what_they_are_made_of(here, sources, file, folder):
    for name, permissions in sources.items():
        Path(name).mkdir() if name.endswith("/") else Path(name).touch()
        os.chmod(name, permissions)
    with private_as(Path("in"), here):
        for name in NAMES:
            write_images(name, NEW)
    assert (mode("out.npy"), mode("out")) == (file, folder)
    assert atomic.umask() == 0o022


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may give files away")
def test_owners_and_groups_count(here):
    Path("in").touch()
    os.chmod("in", 0o640)
    os.chown("in", 1234, 4321)
    with private_as(Path("in"), here):
        write_images("new.npy", NEW)
    assert mode("new.npy") == 0o600
    write_atomically("in", lambda part: part.write_text("new"))
    assert (os.stat("in").st_uid, os.stat("in").st_gid, mode("in")) == (1234, 4321, 0o640)


@pytest.mark.parametrize(("before", "after"), [(0o640, 0o600), (0o664, 0o644), (0o604, 0o604)])
def test_a_group_that_cannot_be_kept_is_not_given_what_only_the_other_could_read(monkeypatch, before, after):
    Path("out").touch()
    os.chmod("out", before)
    found = list(os.lstat("out"))
    found[stat.ST_GID] += 1

    def refuse(*arguments):
        raise PermissionError

    monkeypatch.setattr(os, "chown", refuse)
    monkeypatch.setattr(atomic, "status", lambda path: os.stat_result(found))
    write_atomically("out", lambda part: part.write_text("new"))
    assert mode("out") == after


@pytest.mark.parametrize("name", NAMES)
def test_links_are_written_through(name):
    os.mkdir("elsewhere")
    write_images(f"elsewhere/{name}", OLD)
    os.symlink(f"elsewhere/{name}", name)
    write_images(name, NEW, overwrite=True)
    assert os.readlink(name) == f"elsewhere/{name}" and np.array_equal(read_images(f"elsewhere/{name}"), NEW)
    assert os.listdir("elsewhere") == [name]


@pytest.mark.parametrize("name", NAMES)
def test_links_to_nothing_are_refused(name):
    os.symlink("none", name)
    with pytest.raises(ValueError, match=r"is a link to .*none, which does not exist"):
        write_images(name, NEW, overwrite=True)
    assert os.listdir() == [name]


@pytest.mark.parametrize("exchange", [True, False], ids=["at once", "by renames"])
def test_a_folder_of_images_is_replaced(monkeypatch, exchange):
    if not exchange:
        monkeypatch.setattr(folder_swap, "_exchange", lambda one, other: False)
    write_images("out", OLD)
    with pytest.raises(ValueError, match="not an empty folder"):
        write_images("out", NEW)
    assert np.array_equal(read_images("out"), OLD)
    write_images("out", NEW[:2], overwrite=True)
    assert sorted(os.listdir("out")) == ["00000.png", "00001.png"] and os.listdir() == ["out"]
    assert np.array_equal(read_images("out"), NEW[:2])


def test_a_folder_that_cannot_be_replaced_stays(monkeypatch):
    monkeypatch.setattr(folder_swap, "_exchange", lambda one, other: False)
    write_images("out", OLD)
    rename = Path.rename

    def fail(path, target):
        if path.name.startswith(".recjax"):
            raise OSError(errno.EIO, "Input/output error")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match=r"Input/output error: 'out'"):
        write_images("out", NEW, overwrite=True)
    assert np.array_equal(read_images("out"), OLD) and os.listdir() == ["out"]


def test_what_others_put_into_a_folder_meanwhile_stays():
    write_images("out", OLD)

    def parts():
        yield NEW[:1]
        Path("out/letter.txt").write_text("dear")
        yield NEW[1:]

    with pytest.raises(ValueError, match=r"holds more than the images .* 'letter\.txt'"):
        write_parts("out", parts(), 3, (4, 4), overwrite=True)
    assert sorted(os.listdir("out")) == ["00000.png", "00001.png", "00002.png", "letter.txt"]
    assert os.listdir() == ["out"]


@pytest.mark.parametrize("links", [True, False], ids=["links", "no links"])
@pytest.mark.parametrize("once", [True, False])
def test_a_file_that_appears_meanwhile_is_not_replaced(monkeypatch, links, once):
    def refuse(*arguments):
        raise PermissionError

    if not links:
        monkeypatch.setattr(os, "link", refuse)

    def write(part):
        part.write_text("mine")
        if Path("late").exists():
            Path("out").write_text("theirs")

    write_atomically("out", write, once=once, replace=False)
    assert Path("out").read_text() == "mine"
    os.unlink("out")
    Path("late").touch()
    if once:
        write_atomically("out", write, once=True)
    else:
        with pytest.raises(ValueError, match="out exists"):
            write_atomically("out", write, replace=False)
    assert Path("out").read_text() == "theirs" and sorted(os.listdir()) == ["late", "out"]


LONG = ["x" * 251 + ".npy", "x" * 255, "\N{GRINNING FACE}" * 62 + "abc.npy", "\N{GRINNING FACE}" * 63 + "abc"]


@pytest.mark.parametrize("name", LONG, ids=["npy", "folder", "wide npy", "wide folder"])
@pytest.mark.parametrize("exchange", [True, False], ids=["at once", "by renames"])
def test_names_may_be_as_long_as_the_system_takes_them(monkeypatch, name, exchange):
    if not exchange:
        monkeypatch.setattr(folder_swap, "_exchange", lambda one, other: False)
    assert len(os.fsencode(name)) == 255
    write_images(name, OLD)
    write_images(name, NEW, overwrite=True)
    assert np.array_equal(read_images(name), NEW) and os.listdir() == [name]


WRITER = """
import os, signal, sys, time
import numpy as np
from recjax.images.output import write_parts

def parts():
    yield np.zeros((1, 4, 4), np.uint8)
    print("half", flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), signal.SIGKILL)

write_parts(sys.argv[1], parts(), 2, (4, 4), overwrite=True)
"""


@pytest.mark.parametrize("name", NAMES)
def test_what_the_dead_left_is_swept_and_what_the_living_write_is_not(name):
    def hidden():
        return {one for one in os.listdir() if one.startswith(".")}

    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", WRITER, name], **pipes) as writer:
        assert writer.stdin and writer.stdout and writer.stdout.readline() == "half\n"
        (living,) = hidden()
        write_images(name, NEW)
        assert hidden() == {living}
        writer.stdin.write("\n")
    assert hidden() == {living}
    # Of this output, and of another, which is not written here.
    foreign = [living.rpartition("-")[0] + "-", f".recjax-{'0' * 16}-abcdefgh", ".recjax", f".{name}.abcdefgh"]
    os.mkfifo(foreign[0] + "pipe")
    os.mkdir(foreign[0] + "folder")
    Path(foreign[0] + "folder/letter.txt").write_text("dear")
    for one in foreign[1:]:
        Path(one).touch()
    write_images(name, OLD, overwrite=True)
    assert hidden() == {foreign[0] + "pipe", foreign[0] + "folder", *foreign[1:]}
    assert os.listdir(foreign[0] + "folder") == ["letter.txt"] and np.array_equal(read_images(name), OLD)
