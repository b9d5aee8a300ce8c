"""Folders of shards: bounded memory, several processes, and a stop at any shard costs no more than that shard."""

import json
import os

import numpy as np
import pytest

from recjax import chunks, cli, container, load_model, shard_commands, shards
from recjax.image_source import open_source
from recjax.images import write_images, write_parts
from recjax.shards import Part
from training import data

SETTINGS = {"method": "raw"}


@pytest.fixture(scope="module")
def images():
    return data.load("digits", "test").images[:23]


@pytest.fixture
def array(images, tmp_path):
    np.save(tmp_path / "in.npy", images)
    return tmp_path / "in.npy"


def raw(images: np.ndarray) -> bytes:
    return chunks.write_raw(images)


def decoded(folder) -> np.ndarray:
    return np.concatenate([chunks.read_raw(container.read(path.read_bytes())) for path in shards.files(folder)])


@pytest.mark.parametrize("each", [1, 5, 23, 100])
def test_shards_hold_the_images_in_order(array, images, each, tmp_path):
    seen = []
    source, out = open_source(array), tmp_path / "out"
    assert shards.compress(source, out, each, SETTINGS, raw, progress=lambda *now: seen.append(now)) == -(-23 // each)
    assert np.array_equal(decoded(out), images)
    assert seen[0] == (0, 23) and seen[-1] == (23, 23) and len(seen) == 1 + -(-23 // each)


def test_what_stopped_goes_on(array, images, tmp_path):
    source, out, coded = open_source(array), tmp_path / "out", []

    def failing(part: np.ndarray) -> bytes:
        if len(coded) == 2:
            raise KeyboardInterrupt
        coded.append(len(part))
        return raw(part)

    with pytest.raises(KeyboardInterrupt):
        shards.compress(source, out, 5, SETTINGS, failing)
    before = {path.name: path.stat().st_mtime_ns for path in out.glob("*.rjx")}
    assert sorted(before) == ["00000.rjx", "00001.rjx"]
    with pytest.raises(ValueError, match=r"00002\.rjx is missing or damaged"):
        list(shards.files(out))
    damaged = bytearray((out / "00001.rjx").read_bytes())
    damaged[-9] ^= 1
    (out / "00001.rjx").write_bytes(damaged)
    assert shards.compress(source, out, 5, SETTINGS, raw) == 4
    assert (out / "00000.rjx").stat().st_mtime_ns == before["00000.rjx"]
    assert np.array_equal(decoded(out), images)
    assert shards.compress(source, out, 5, SETTINGS, raw) == 0


def test_parts_share_the_work(array, images, tmp_path):
    source, out = open_source(array), tmp_path / "out"
    made = [shards.compress(source, out, 4, SETTINGS, raw, part=Part(index, 4)) for index in range(4)]
    assert made == [2, 2, 1, 1]
    assert np.array_equal(decoded(out), images)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"images_each": 4}, "other images_each"),
        ({"settings": {"method": "orc"}}, "other settings"),
        ({"source": "another"}, "other source"),
    ],
)
def test_shards_of_others_are_left_alone(array, images, tmp_path, change, words):
    source, out = open_source(array), tmp_path / "out"
    shards.compress(source, out, 5, SETTINGS, raw)
    if "source" in change:
        np.save(tmp_path / "in.npy", images[::-1])
        os.utime(tmp_path / "in.npy", ns=(0, 0))
        source = open_source(tmp_path / "in.npy")
    with pytest.raises(ValueError, match=words):
        shards.compress(source, out, change.get("images_each", 5), change.get("settings", SETTINGS), raw)


def test_a_folder_of_something_else_is_left_alone(array, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "letter.txt").write_text("dear")
    with pytest.raises(ValueError, match="neither an empty folder nor one of shards"):
        shards.compress(open_source(array), tmp_path / "out", 5, SETTINGS, raw)


GOOD = {"version": 1, "images": 3, "images_each": 2, "shape": [2, 2]}


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        *(json.dumps(GOOD | bad) for bad in ({"version": 2}, {"images": -5}, {"images_each": 0}, {"shape": "2x2"})),
    ],
)
def test_damaged_manifests_are_explained(text, tmp_path):
    (tmp_path / shards.MANIFEST).write_text(text)
    with pytest.raises(ValueError, match="compress"):
        list(shards.files(tmp_path))


def test_a_folder_is_read_in_parts(images, tmp_path):
    write_images(tmp_path / "pngs", images)
    source = open_source(tmp_path / "pngs")
    assert (source.count, source.shape) == (23, images.shape[1:])
    assert np.array_equal(source.read(3, 9), images[3:9])
    assert len(list(source.entries())) == 23


@pytest.mark.parametrize("name, words", [("in.png", "does not exist"), ("in.txt", "suffix"), ("pipe", "regular file")])
def test_sources_that_are_none_are_explained(name, words, tmp_path):
    (tmp_path / "in.txt").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=rf"{words}.*; give a PNG, a folder of PNGs or an \.npy"):
        open_source(tmp_path / name)


def test_parts_are_written_as_one(images, tmp_path):
    write_parts(tmp_path / "out.npy", iter([images[:9], images[9:]]), 23, images.shape[1:])
    assert np.array_equal(np.load(tmp_path / "out.npy"), images)
    write_parts(tmp_path / "pngs", iter([images[:9], images[9:]]), 23, images.shape[1:])
    assert np.array_equal(open_source(tmp_path / "pngs").read(0, 23), images)
    write_parts(tmp_path / "none.npy", iter([]), 0, (8, 8))
    assert np.load(tmp_path / "none.npy").shape == (0, 8, 8)
    for others in ([images[:9]], [images, images[:1]], [images[:, 1:]]):
        with pytest.raises(ValueError, match="there must be 23 images"):
            write_parts(tmp_path / "others.npy", iter(others), 23, images.shape[1:])
    assert not (tmp_path / "others.npy").exists()


def test_the_commands_take_folders(array, images, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["compress", "in.npy", "out", "--shard-images", "10", "--model", "digits", "--method", "orc"]
    assert cli.main([*command, "--candidates", "16", "--part", "1/2"]) == cli.FINE
    assert cli.main(["verify", "out"]) == cli.BAD_INPUT
    assert "00000.rjx is missing" in capsys.readouterr().err
    assert cli.main([*command, "--candidates", "16"]) == cli.FINE
    assert cli.main(["verify", "out", "--against", "in.npy"]) == cli.FINE
    capsys.readouterr()
    assert cli.main(["info", "out", "--json"]) == cli.FINE
    assert json.loads(capsys.readouterr().out)["images"] == 23
    assert cli.main(["decompress", "out", "back.npy"]) == cli.FINE
    assert np.array_equal(np.load("back.npy"), images)
    assert cli.main(["decompress", "out", "one.npy", "--index", "21"]) == cli.FINE
    assert np.array_equal(np.load("one.npy"), images[21:22])
    assert cli.main(["decompress", "out", "one.png", "--index", "23"]) == cli.BAD_INPUT
    assert "holds images 0 to 22" in capsys.readouterr().err
    for wrong in (["--part", "4/2"], ["--method", "inr"], ["--method", "bb-ans"], ["--bpp", "1"]):
        assert cli.main([*command, "--candidates", "16", *wrong]) == cli.USAGE
    assert cli.main(["compress", "in.npy", "other", "--part", "0/2"]) == cli.USAGE
    assert cli.main(["compress", "in.npy", "other", "--shard-images", "0"]) == cli.USAGE
    (tmp_path / "out" / "00000.rjx").unlink()
    assert cli.main(["decompress", "out", "one.npy", "--index", "21", "--force"]) == cli.FINE


def test_a_dark_first_image_chooses_no_model_of_few_levels(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    images = data.load("digits", "test").images[:4].copy()
    images[0] = 0
    np.save("in.npy", np.pad(images, ((0, 0), (10, 10), (10, 10))))
    chosen = []
    monkeypatch.setattr(shard_commands, "model_for", lambda some, *rest: chosen.append(some) or load_model("mnist"))
    monkeypatch.setattr(shards, "compress", lambda *arguments, **rest: 0)
    monkeypatch.setattr(shards, "read_plan", lambda out: shards.Plan(4, 2, (28, 28)))
    assert cli.main(["compress", "in.npy", "out", "--shard-images", "2"]) == cli.FINE
    assert int(chosen[0].max()) == int(images.max()) > 1


def test_shards_that_no_reader_would_take_are_refused(array, tmp_path):
    with pytest.raises(ValueError, match="a shard holds 1 to 16,777,216 images of shape"):
        shards.compress(open_source(array), tmp_path / "out", 1 << 25, SETTINGS, raw)
