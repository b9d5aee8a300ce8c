"""Folders of shards: bounded memory, several processes, and a stop at any shard costs no more than that shard."""

import contextlib
import hashlib
import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest

from recjax import load_model
from recjax.cli import main as cli
from recjax.codecs.lossless import compression as lossless
from recjax.container import chunks
from recjax.container import file as container
from recjax.images.files import write_images, write_parts
from recjax.images.source import open_source
from recjax.shards import folder as shards
from recjax.shards import manifest as shard_manifest
from recjax.shards.folder import Part
from training import data

SETTINGS = {"method": "raw"}
SEEDS = [68136484295068226, 34555262877642383, 57729226510365746]


@pytest.fixture(scope="module")
def images():
    return data.load("digits", "test").images[:23]


@pytest.fixture
def array(images, tmp_path):
    np.save(tmp_path / "in.npy", images)
    return tmp_path / "in.npy"


def raw(images: np.ndarray, seed: int = 0) -> bytes:
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

    def failing(part: np.ndarray, seed: int) -> bytes:
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


GOOD = {"version": 2, "images": 3, "images_each": 2, "shape": [2, 2], "source": "", "settings": {}}
DEEP = '{"version": 2, "settings": ' + '{"a": ' * 100_000 + "1" + "}" * 100_001


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "compress"),
        ("[]", "no object"),
        (DEEP, "recursion"),
        ('{"version": ' + "9" * 5000 + "}", "compress"),
        (" " * (1 << 20) + "{}", "more than 1,048,576 bytes"),
        ("\ud800".encode("utf-8", "surrogatepass"), "decode"),
        *(
            (json.dumps(GOOD | bad), f"its {next(iter(bad))}")
            for bad in (
                {"version": 3}, {"version": True}, {"version": "2"}, {"images": -5}, {"images": 1 << 49},
                {"images": 1.0}, {"images": None}, {"images_each": 0}, {"images_each": 1 << 29}, {"images_each": True},
                {"shape": "2x2"},
                {"shape": [2]}, {"shape": [2, 0]}, {"shape": [2, "2"]}, {"shape": [1, 1, 1, 1]}, {"settings": []},
                {"source": 3}, {"model_name": 3},
                {"model_name": "\x1b[2J"}, {"model_name": "\ud800"},
            )
        ),
        (json.dumps(GOOD | {"shape": [1 << 20, 1 << 20]}), "shape has more than"),
    ],
    ids=lambda value: str(value)[:24],
)  # fmt: skip
def test_damaged_manifests_are_explained(text, words, tmp_path):
    (tmp_path / shard_manifest.NAME).write_bytes(text if isinstance(text, bytes) else text.encode())
    for read in (lambda: list(shards.files(tmp_path)), lambda: shards.file(tmp_path, 0)):
        with pytest.raises(ValueError, match=words) as caught:
            read()
        assert "compress the images again" in str(caught.value)


@pytest.mark.parametrize("depth", [100, 300, 800, 900, 940, 980])
def test_nested_settings_are_read_or_refused(depth, tmp_path):
    nested = '{"a": ' * depth + "1" + "}" * depth
    text = json.dumps(GOOD).replace('"settings": {}', f'"settings": {nested}')
    (tmp_path / shard_manifest.NAME).write_text(text)
    with contextlib.suppress(ValueError):
        assert shard_manifest.read(tmp_path).seed(1) >= 0


def tamper_by_swapping(out):
    (out / "00001.rjx").rename(out / "kept")
    (out / "00000.rjx").rename(out / "00001.rjx")
    (out / "kept").rename(out / "00000.rjx")


def tamper_by_copying(out):
    shutil.copy(out / "00000.rjx", out / "00001.rjx")


def tamper_by_renaming(out):
    (out / "00000.rjx").rename(out / "00001.rjx")


def tamper_by_another_folder(out):
    shutil.copy(out.with_name("other") / "00001.rjx", out / "00001.rjx")


def tamper_by_the_manifest(out):
    shutil.copy(out.with_name("other") / shard_manifest.NAME, out / shard_manifest.NAME)


TAMPERING = {
    tamper_by_swapping: "is shard",
    tamper_by_copying: "00001.rjx should be shard 1 of its folder and is shard 0;",
    tamper_by_renaming: "00001.rjx should be shard 1 of its folder and is shard 0;",
    tamper_by_another_folder: "00001.rjx should be shard 1 of its folder and is of other images or settings;",
    tamper_by_the_manifest: "is of other images or settings;",
}


@pytest.fixture(scope="module")
def made(images, tmp_path_factory):
    """Folders of shards of equal counts, of either method, and beside each one of other images."""
    base = tmp_path_factory.mktemp("made")
    np.save(base / "in.npy", images[:20])
    np.save(base / "other.npy", images[::-1][:20])
    model = load_model("digits")

    def orc(some, seed):
        return lossless.compress(some, model, method="orc", candidates=16, seed=seed)

    for method, encode in (("raw", raw), ("orc", orc)):
        settings = {"method": method, "seed": 0, "model": model.digest}
        for source, name in (("in.npy", "out"), ("other.npy", "other")):
            (base / method).mkdir(exist_ok=True)
            shards.compress(open_source(base / source), base / method / name, 5, settings, encode)
    return base


@pytest.mark.parametrize("method", ["raw", "orc"])
@pytest.mark.parametrize("tamper", TAMPERING, ids=lambda tamper: tamper.__name__)
def test_shards_in_wrong_places_are_refused_everywhere(made, method, tamper, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made / method, tmp_path, dirs_exist_ok=True)
    tamper(tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.rjx")}
    for command in (
        ["info", "out"],
        ["verify", "out"],
        ["decompress", "out", "back.npy"],
        ["decompress", "out", "one.npy", "--index", "7"],
    ):
        assert cli.main(command) == cli.BAD_INPUT
        told = capsys.readouterr().err
        missing = tamper is tamper_by_renaming and "00000.rjx is missing" in told
        assert (TAMPERING[tamper] in told or missing) and told.count("\n") == 1
        assert not any((tmp_path / name).exists() for name in ("back.npy", "one.npy"))
    if tamper is not tamper_by_the_manifest:
        settings = json.loads((tmp_path / "out" / shard_manifest.NAME).read_text())["settings"]
        with pytest.raises(ValueError, match=r"should be shard . of its folder"):
            shards.compress(open_source(made / "in.npy"), tmp_path / "out", 5, settings, raw)
    assert before == {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.rjx")}


def test_every_shard_has_a_seed_of_its_own(made):
    manifests = [shard_manifest.read(made / method / name) for method in ("raw", "orc") for name in ("out", "other")]
    assert len({manifest.seed(number) for manifest in manifests for number in range(4)}) == 16
    assert all(manifest.seed(number) < 1 << 56 for manifest in manifests for number in range(4))
    for path, number in zip(shards.files(made / "orc" / "out"), range(4), strict=True):
        # As FORMAT.md has it.
        stated = json.loads((made / "orc" / "out" / shard_manifest.NAME).read_text())
        del stated["model_name"]
        digest = hashlib.sha256(f"{json.dumps(stated, sort_keys=True)}\n{number}".encode("ascii")).digest()
        assert container.read(path.read_bytes()).header.seed == int.from_bytes(digest[:7], "big")


def test_the_seed_of_a_shard_is_what_it_was():
    plan = shard_manifest.ShardPlan(23, 5, (8, 8))
    manifest = shard_manifest.Manifest(plan, "source", {"method": "orc", "block_bits": 6.5, "model": "digest"}, "name")
    assert [manifest.seed(number) for number in (0, 1, 4)] == SEEDS
    assert replace(manifest, model_name="another").seed(0) == SEEDS[0]


@pytest.fixture
def old(made, images, tmp_path):
    """A folder of version 1: all shards have the seed of the settings."""
    model, out = load_model("digits"), tmp_path / "old"
    out.mkdir()
    settings = {"method": "orc", "seed": 3, "model": model.digest}
    manifest = {"version": 1, "images": 20, "images_each": 5, "shape": [8, 8], "source": "x", "settings": settings}
    (out / shard_manifest.NAME).write_text(json.dumps(manifest))
    for number in range(4):
        some = images[number * 5 : number * 5 + 5]
        data = lossless.compress(some, model, method="orc", candidates=16, seed=3) if number else raw(some)
        (out / f"{number:05}.rjx").write_bytes(data)
    return out


def test_old_folders_decode_and_say_what_is_not_checked(old, made, images, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert cli.main(["decompress", "old", "back.npy"]) == cli.FINE
    assert np.array_equal(np.load("back.npy"), images[:20])
    assert "do not say their numbers" in capsys.readouterr().err
    with pytest.raises(ValueError, match="old holds shards of version 1"):
        shards.compress(open_source(made / "in.npy"), old, 5, {}, raw)
    shutil.copy(made / "orc" / "out" / "00001.rjx", old / "00001.rjx")
    assert cli.main(["verify", "old"]) == cli.BAD_INPUT
    assert "00001.rjx should be shard 1 of its folder and is of other images" in capsys.readouterr().err


def test_the_model_of_shards_is_named(made, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    digest = "12345678" * 8

    def of_another_model(some, seed):
        file = container.read((made / "orc" / "out" / "00000.rjx").read_bytes())
        header = replace(file.header, seed=seed, model_digest=bytes.fromhex(digest[:16]))
        return container.write(header, [file.chunk(0)])

    settings = {"method": "orc", "seed": 0, "model": digest}
    source = open_source(made / "in.npy")
    shards.compress(source, tmp_path / "out", 5, settings, of_another_model, model_name="mine")
    for command in (["decompress", "out", "back.npy"], ["decompress", "out", "one.npy", "--index", "7"]):
        assert cli.main(command) == cli.BAD_INPUT
        told = capsys.readouterr().err
        assert f"the model 'mine' of digest {digest[:16]}" in told and "--model PATH" in told
        assert told.count("\n") == 1
    assert cli.main(["decompress", "out", "back.npy", "--model", "digits"]) == cli.BAD_INPUT
    assert f"of digest {digest[:16]}, got 'digits' of " in capsys.readouterr().err
    assert cli.main(["info", "out", "--json"]) == cli.FINE
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["model_digest"]) == ("mine", digest[:16])
    assert cli.main(["info", "out/00001.rjx", "--json"]) == cli.FINE
    found = json.loads(capsys.readouterr().out)
    assert (found["model"], found["model_digest"]) == (None, digest[:16])
    assert found["model_note"] == "not released; the file holds the digest of its model, and no name"


def test_a_folder_is_read_in_parts(images, tmp_path):
    write_images(tmp_path / "pngs", images)
    source = open_source(tmp_path / "pngs")
    assert (source.count, source.shape) == (23, images.shape[1:])
    assert np.array_equal(source.read(3, 9), images[3:9])
    assert len(list(source.entries())) == 23


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("in.png", r"does not exist; give a PNG, a folder of PNGs or an \.npy"),
        ("in.txt", r"has the suffix '\.txt'; give a PNG, a folder of PNGs or an \.npy"),
        ("pipe", "is a pipe, not a file; name a regular file"),
    ],
)
def test_sources_that_are_none_are_explained(name, told, tmp_path):
    (tmp_path / "in.txt").touch()
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match=f"{name} {told}"):
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
    monkeypatch.setattr(
        "recjax.codecs.lossless.method.load_model",
        lambda name, some, *rest: chosen.append(some) or load_model("mnist"),
    )
    monkeypatch.setattr(shards, "compress", lambda *arguments, **rest: 0)
    manifest = shard_manifest.Manifest(shard_manifest.ShardPlan(4, 2, (28, 28)), "", {})
    monkeypatch.setattr(shard_manifest, "read", lambda out: manifest)
    assert cli.main(["compress", "in.npy", "out", "--shard-images", "2"]) == cli.FINE
    assert int(chosen[0].max()) == int(images.max()) > 1


def test_shards_that_no_reader_would_take_are_refused(array, tmp_path):
    with pytest.raises(ValueError, match="a shard holds 1 to 16,777,216 images of shape"):
        shards.compress(open_source(array), tmp_path / "out", 1 << 25, SETTINGS, raw)
