"""Chains that start on images sent by relative entropy coding; more tests run with all methods."""

from dataclasses import replace

import numpy as np
import pytest

from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.chains import bits_back_rec, rec_bootstrap
from recjax.coding import serialize
from recjax.container import chunks
from recjax.container import file as container
from recjax.errors import FormatError

OPTIONS = {"method": "bb-ans-rec", "candidates": 64, "block_bits": 6.0}


def compress(images, model, **options):
    return lossless.compress(images, model, **OPTIONS, **options)


def test_few_images_take_fewer_bytes_than_with_initial_bits(golden):
    assert len(golden["bb-ans-rec"]) < len(golden["bb-ans"]) - 10


@pytest.mark.parametrize("count", [1, 40])
def test_a_few_images_are_enough_to_start_on(count, model, digits):
    data = compress(digits[:count], model)
    assert np.array_equal(lossless.decompress(data), digits[:count])
    header = container.read(data).header
    assert 1 <= header.parameters["rec_images"] <= 4 and header.parameters["lanes"] == 1


def test_one_image_is_the_message_of_its_search(model, digits, golden):
    each_alone = container.read(golden["orc"])
    length_bits = chunks.unpack_messages(each_alone.chunk(0), 8).lengths_bits[0]
    file = container.read(compress(digits[:1], model))
    assert file.header.parameters["rec_images"] == 1
    assert len(file.chunk(0)) == pytest.approx(length_bits / 8, abs=4)


def test_the_bits_are_those_of_the_elbo(model, digits):
    images = digits[:300]
    data = compress(images, model)
    expected_bits = model.metadata["test"]["exact_bits_per_dim"] * images.size
    assert container.read(data).header.parameters["lanes"] == 4
    assert 8 * len(data) < 1.03 * expected_bits


@pytest.mark.parametrize("lanes", [1, 4, 16])
@pytest.mark.parametrize("count", [0, 1, 2, 5, 14, 15, 16, 31, 32, 100])
def test_every_image_has_a_place_and_the_last_steps_are_narrow(lanes, count):
    segments = bits_back_rec.segments_of(count, lanes)
    active = np.concatenate([np.zeros((0, lanes), bool), *(places.active for places in segments)])
    number = np.concatenate([np.zeros((0, lanes), int), *(places.number for places in segments)])
    assert np.array_equal(number[active], np.arange(count))
    widths = active.sum(axis=1)
    widths = widths[: np.count_nonzero(widths)][::-1]
    assert all(width <= min(1 << k, lanes) for k, width in enumerate(widths))
    # All but the first step to be decoded are as wide as they may be.
    assert all(width == min(1 << k, lanes) for k, width in enumerate(widths[:-1]))


@pytest.mark.parametrize("lanes", [1, 2, 16])
def test_the_lanes_of_a_chain_hold_the_bits_of_an_open_message(lanes):
    data = np.random.default_rng(lanes).bytes(60)
    message = serialize.from_bytes(b"\x01" + data[1:], 1, 80)
    split = rec_bootstrap.split(message, lanes)
    assert split.head.shape == (lanes,) and int(split.size) == 56 - 3 * (lanes - 1)
    assert (np.asarray(split.head)[1:] >> 24 == 1).all()
    joined = rec_bootstrap.join(split)
    assert serialize.to_bytes(joined) == serialize.to_bytes(message)


def test_lanes_that_hold_more_are_refused():
    message = rec_bootstrap.split(serialize.from_bytes(bytes([1]) + bytes(59), 1, 80), 4)
    with pytest.raises(FormatError, match="sent one by one"):
        rec_bootstrap.join(message._replace(head=message.head.at[2].set(1 << 25)))
    with pytest.raises(FormatError, match="more bits"):
        rec_bootstrap.join(message._replace(tail=message.tail[:50]))


def test_a_start_of_too_few_images_is_tried_again(model, digits, monkeypatch):
    monkeypatch.setattr(bits_back_rec, "_images_wanted", lambda *_: 1)
    data = compress(digits[:40], model)
    assert container.read(data).header.parameters["rec_images"] == 2
    assert np.array_equal(lossless.decompress(data, index=39), digits[39])


def test_images_wanted_fill_the_heads_and_the_first_steps(model):
    each_bytes, borrowed_bits = 40, 10 * model.latents - sum(model.kl_bits.tolist()) / 1024
    for lanes in (1, 4, 64):
        wanted = bits_back_rec._images_wanted(model, lanes, 5 * each_bytes, 5)
        assert 8 * each_bytes * wanted >= 24 * (lanes - 1) + borrowed_bits
        assert 8 * each_bytes * (wanted - 1) < 24 * (lanes - 1) + borrowed_bits + 8


def test_latents_that_cost_more_than_they_borrow_fill_the_heads_too(model):
    costly = replace(model, kl_bits=np.full(model.latents, 20 << 10, np.int32))
    for lanes in (1, 4, 256):
        assert 8 * 40 * bits_back_rec._images_wanted(costly, lanes, 40, 1) >= 24 * (lanes - 1) + 8


def test_no_more_lanes_than_images_are_left_to_the_chain(model, digits, monkeypatch):
    monkeypatch.setattr(bits_back_rec, "choose_lanes", lambda *_: 4)
    monkeypatch.setattr(bits_back_rec, "_images_wanted", lambda *_: 4)
    data = compress(digits[:5], model)
    parameters = container.read(data).header.parameters
    assert parameters["rec_images"] == 4 and parameters["lanes"] == 1


def change(golden: bytes, **fields) -> bytes:
    """The golden file with other values in its header."""
    file = container.read(golden)
    values = vars(file.header) | {"parameters": dict(file.header.parameters)}
    for name, value in fields.items():
        (values if name in values else values["parameters"])[name] = value
    return container.write(container.Header(**values), [file.chunk(0)])


@pytest.mark.parametrize(
    "fields",
    [
        {"seed": 1},
        {"count": 7},
        {"count": 9},
        {"lanes": 3},
        {"lanes": 16},
        {"rec_images": 1},
        {"rec_images": 8},
        {"rec_images": 9},
        {"rec_images": 1 << 20},
        {"index_code": 1},
    ],
    ids=str,
)
def test_another_header_leaves_bits_or_has_too_few(fields, golden):
    with pytest.raises(FormatError, match="damaged"):
        lossless.decompress(change(golden["bb-ans-rec"], **fields))


def test_tampering_is_noticed_or_changes_an_image(golden, digits, reseal):
    good = golden["bb-ans-rec"]
    start, end = container.read(good).offsets
    rng = np.random.default_rng(0)
    for bit in rng.choice(np.arange(8 * start, 8 * (end - 4)), 50, replace=False):
        bad = bytearray(good)
        bad[bit // 8] ^= 1 << bit % 8
        try:
            assert not np.array_equal(lossless.decompress(reseal(bytes(bad))), digits[:8])
        except FormatError as error:
            assert "damaged" in str(error)
