"""Shards that are whole files and yet not those of their folder are refused, and damaged ones are made again."""

from dataclasses import replace

import numpy as np
import pytest

from recjax.container import chunks
from recjax.container import file as container
from recjax.images.source import open_source
from recjax.shards import folder as shards
from recjax.shards import manifest as shard_manifest

SETTINGS = {"method": "raw"}
IMAGES = np.random.default_rng(0).integers(0, 256, (10, 4, 6), np.uint8)


def raw(images, seed):
    return chunks.write_raw(images)


@pytest.fixture
def folder(tmp_path):
    np.save(tmp_path / "in.npy", IMAGES)
    shards.compress(open_source(tmp_path / "in.npy"), tmp_path / "out", 4, SETTINGS, raw)
    return tmp_path / "out"


# The shard in whose place it is, the one whose seed it has, and its images.
FOREIGN = {
    "of another shape": (1, 1, np.zeros((4, 6, 4), np.uint8)),
    "in colour": (1, 1, np.zeros((4, 4, 6, 3), np.uint8)),
    "of fewer images": (1, 1, IMAGES[:3]),
    "of more images": (2, 2, IMAGES[:4]),
    "of the shard before": (1, 0, IMAGES[:4]),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_shard_of_others_is_refused_and_stays(folder, name):
    number, owner, images = FOREIGN[name]
    path = folder / f"{number:05}.rjx"
    header = container.read(chunks.write_raw(images)).header
    seed = shard_manifest.read(folder).seed(owner)
    path.write_bytes(container.write(replace(header, seed=seed), [images.tobytes()]))
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"{path.name} should be shard {number} of its folder and is "):
        shards.file(folder, number)
    with pytest.raises(ValueError, match=rf"{path.name} should be shard {number} of its folder and is "):
        shards.compress(open_source(folder.parent / "in.npy"), folder, 4, SETTINGS, raw)
    assert path.read_bytes() == before


@pytest.mark.parametrize("place", [-1, -9])
def test_a_shard_with_a_wrong_checksum_is_made_again(folder, place):
    path = folder / "00001.rjx"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    with pytest.raises(ValueError, match="missing or damaged"):
        shards.file(folder, 1)
    assert shards.compress(open_source(folder.parent / "in.npy"), folder, 4, SETTINGS, raw) == 1
    back = [chunks.read_raw(container.read(file.read_bytes())) for file in shards.files(folder)]
    assert np.array_equal(np.concatenate(back), IMAGES)


@pytest.mark.parametrize(
    ("text", "part"), [("0/1", (0, 1)), ("3/4", (3, 4)), ("4/4", None), ("1/0", None), ("-1/4", None), ("2", None)]
)
def test_parts_are_numbers_below_how_many_there_are(text, part):
    if part:
        assert shards.Part.parse(text) == part
        return
    with pytest.raises(ValueError, match="a part is a number"):
        shards.Part.parse(text)


@pytest.mark.parametrize(("images", "each", "expected"), [(10, 4, [4, 4, 2]), (8, 4, [4, 4]), (1, 4, [1]), (0, 4, [])])
def test_every_image_is_in_one_shard(images, each, expected):
    plan = shards.ShardPlan(images, each, (2, 2))
    parts = [plan.images_of(number) for number in range(plan.shards)]
    assert [len(part) for part in parts] == expected
    assert [image for part in parts for image in part] == list(range(images))
