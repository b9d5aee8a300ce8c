"""Pictures to bytes and back: every size and kind, one picture alone, few programs, and nothing wrong accepted."""

import hashlib

import numpy as np
import pytest

import recjax
from recjax.codecs.pixel_network import coder, compression, streams, tiles
from recjax.container import chunks
from recjax.container import file as container
from recjax.models.pixel_network.exact import mixture
from recjax.models.pixel_network.mixture import interval
from tests import pixel_networks
from tests.models.pixel_network.test_context import contexts

SHAPES = [
    (1, 1, 3),
    (1, 32, 3),
    (32, 1, 3),
    (5, 3, 3),
    (32, 32, 3),
    (31, 29, 3),
    (40, 71, 3),
    (28, 28),
    (1, 33),
    (70, 5),
]


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    """The smallest tiles for pictures of all sizes, whose programs all tests share."""
    monkeypatch.setattr(compression, "side_log2_for", lambda shape: tiles.MIN_SIDE_LOG2)


def pictures(shape, count=1):
    return np.stack([pixel_networks.picture(*shape[:2], *shape[2:] or (1,), seed=k) for k in range(count)])


def model_for(images):
    return pixel_networks.model(3 if images.ndim == 4 else 1)


def encode(images, **options):
    return compression.encode(images, model_for(images), **options)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_pictures_come_back(shape):
    images = pictures(shape, 2)
    file = container.read(encode(images))
    decoded = file if file.header.method == "raw" else compression.decode(file, model_for(images))
    if file.header.method == "raw":
        decoded = chunks.read_raw(file)
        assert images.size < 3000
    np.testing.assert_array_equal(decoded, images)


@pytest.mark.parametrize("pixels", ["noise", "black", "white", "checks"])
def test_extreme_pictures_come_back(pixels):
    noise = np.random.default_rng(0).integers(0, 256, (1, 32, 40, 3)).astype(np.uint8)
    y, x = np.mgrid[:32, :40]
    checks = np.repeat((255 * ((x + y) % 2)).astype(np.uint8)[None, ..., None], 3, axis=-1)
    images = {"noise": noise, "black": 0 * noise, "white": 0 * noise + 255, "checks": checks}[pixels]
    data = encode(images)
    assert len(data) <= images.size + 64
    np.testing.assert_array_equal(recjax.decompress(data, model=model_for(images)), images)


def test_a_picture_in_many_tiles_or_streams_is_decoded_alone():
    for images in (pictures((40, 71, 3), 3), pictures((9, 30, 3), 130)):
        file, model = container.read(encode(images)), model_for(images)
        assert file.header.method == "pixel-network"
        for index in (0, 1, len(images) - 1, -2):
            np.testing.assert_array_equal(compression.decode(file, model, index=index), images[index])
        with pytest.raises(ValueError, match="was asked for"):
            compression.decode(file, model, index=len(images))


def test_the_size_is_that_of_the_masses():
    """The bits of all masses, and three bytes for each head, are what a file takes beside its header."""
    images, model = pictures((32, 32, 3)), pixel_networks.model()
    ordered = images[0][..., [1, 0, 2]].astype(np.int32)
    context, _ = contexts(ordered, 0)
    freqs = [interval(mixture(model.networks, context, ordered[..., :c]), ordered[..., c])[1] for c in range(3)]
    bits = (16 - np.log2(np.asarray(freqs, np.float64))).sum()
    body = container.read(encode(images)).chunk(0)
    heads = coder.fresh_heads(32).shape[1]
    assert 0 <= len(body) - bits / 8 - 3 * heads < 8


def test_golden_file():
    data = encode(pictures((20, 40, 3), 2))
    assert hashlib.sha256(data).hexdigest() == GOLDEN


def test_pictures_of_further_sizes_compile_nothing(count_compilations):
    def code(*shape):
        images = pictures(shape)
        return compression.decode(container.read(encode(images)), model_for(images))

    code(25, 60, 3)
    assert count_compilations(lambda: code(33, 47, 3)) == 0
    assert count_compilations(lambda: code(70, 20, 3)) == 0


@pytest.mark.parametrize(("shape", "count"), [((40, 40, 3), 3), ((9, 30, 3), 70)], ids=str)
def test_progress_counts_pictures_twice(shape, count):
    told = []
    encode(pictures(shape, count), progress=lambda *done: told.append(done))
    assert told[-1] == (2 * count, 2 * count) and all(total == 2 * count for _, total in told)
    assert told == sorted(told) and (count, 2 * count) in told


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (np.zeros((1, 4, 4, 3), np.float32), "RGB pictures .* of uint8, got float32"),
        (np.zeros((1, 4, 4), np.uint8), r"RGB pictures .*, got uint8 \[1, 4, 4\]"),
        (np.zeros((1, 4, 4, 4), np.uint8), r"got uint8 \[1, 4, 4, 4\]"),
        (np.zeros((1, 0, 4, 3), np.uint8), "must have pixels"),
    ],
)
def test_pictures_that_a_model_is_not_for_are_refused(images, message):
    with pytest.raises(ValueError, match=message):
        recjax.compress(images, pixel_networks.model(), method="pixel-network")


def test_no_pictures_are_stored():
    data = encode(np.zeros((0, 5, 5, 3), np.uint8))
    assert recjax.decompress(data).shape == (0, 5, 5, 3)


def test_another_model_is_refused():
    data = encode(pictures((32, 32, 3)))
    with pytest.raises(recjax.FormatError, match="of digest"):
        recjax.decompress(data, model=pixel_networks.model(1))
    with pytest.raises(recjax.FormatError, match="is not for"):
        recjax.decompress(data, model=recjax.load_model("digits"))
    with pytest.raises(recjax.FormatError, match="not a released model"):
        recjax.decompress(data)


def rewritten(data, change):
    """The file with other bytes in its chunks, and checksums that fit."""
    file = container.read(data)
    return container.write(file.header, [change(file.chunk(k)) for k in range(file.header.num_chunks)])


def test_damage_behind_good_checksums_is_told():
    images = pictures((32, 32, 3))
    data = encode(images)
    size = len(container.read(data).chunk(0))
    rng = np.random.default_rng(0)
    for place in rng.integers(0, size, 12):

        def flip(body, place=place):
            return body[:place] + bytes([body[place] ^ 0x41]) + body[place + 1 :]

        with pytest.raises(recjax.FormatError):
            recjax.decompress(rewritten(data, flip), model=pixel_networks.model())


def test_streams_of_wrong_lengths_are_told():
    images = pictures((32, 32, 3))
    file = container.read(encode(images))
    own = chunks.unpack_messages(file.chunk(0), 1).payload.tobytes()
    heads = 4 * coder.fresh_heads(32).shape[1]
    # A byte below all others is never read.
    for wrong in (b"", own[:3], own[:-1], own + b"\0", own[:heads] + b"\0" + own[heads:]):
        body = chunks.pack_messages(wrong, np.array([8 * len(wrong)]))
        with pytest.raises(recjax.FormatError, match="damaged"):
            compression.decode(container.read(container.write(file.header, [body])), pixel_networks.model())


def test_a_stream_may_hold_fewer_tiles_than_others():
    tiling = tiles.Tiling((9, 30, 3), 5)
    work = streams.work_of(tiling, 5, range(2), 3)
    assert (work.height[:3] > 0).tolist() == [[True] * 3, [True, True, False], [False] * 3]
    assert work.heads(32)[:3] == [3, 3, 0]


GOLDEN = "f14f2f59da4a3a379a8b21103383b9924d2928ccc33e15d2389cabf1f1243ad2"
"""SHA-256 of a file, which must never drift."""
