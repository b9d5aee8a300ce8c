"""Keys of batches, and messages that no encoder writes; more tests run with all methods."""

import numpy as np
import pytest

from recjax import randomness
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.lossless.chains import bits_back_rec, rec_bootstrap
from recjax.codecs.lossless.resolve import make_settings
from recjax.container import chunks
from recjax.container import file as container
from recjax.errors import FormatError

SHORT = {"candidates": 64, "block_bits": 6.0}
SEED = 3


def spied(monkeypatch, module, name: str, place: int) -> list[tuple[int, ...]]:
    """Collects one argument of a function that is called, as a tuple of integers."""
    seen, original = [], getattr(module, name)

    def spy(*arguments, **rest):
        seen.append(tuple(np.asarray(arguments[place]).tolist()))
        return original(*arguments, **rest)

    monkeypatch.setattr(module, name, spy)
    return seen


def test_each_batch_has_a_private_key_of_its_own_and_none_is_the_shared_one(model, digits, monkeypatch):
    monkeypatch.setattr(relative_entropy, "BATCH", 1)
    private = spied(monkeypatch, relative_entropy, "_push", 3)
    settings = make_settings(model, "orc", **SHORT)
    images = np.repeat(digits[:1], 8, axis=0)
    made = relative_entropy.encode(images, model, settings, seed=SEED)
    shared = tuple(randomness.key(SEED).tolist())
    assert len(private) == len(set(private)) == 8 and shared not in private
    # Searches with equal arrivals would send one and the same candidate of an image each time.
    assert len({index.tobytes() for index in np.asarray(made.code.index)}) > 1
    assert np.array_equal(lossless.decompress(made.data), images)


def test_each_image_at_the_start_of_a_chain_has_a_private_key_of_its_own(model, digits, monkeypatch):
    monkeypatch.setattr(bits_back_rec, "_images_wanted", lambda *_: 4)
    private = spied(monkeypatch, rec_bootstrap, "push_image", 3)
    lossless.compress(digits[:4], model, method="bb-ans-rec", **SHORT, seed=SEED)
    shared = tuple(randomness.key(SEED).tolist())
    assert len(private) == len(set(private)) == 4 and shared not in private


def with_a_long_message(golden: bytes, bits: int) -> bytes:
    """The golden file, with its last message replaced by one of so many bits."""
    file = container.read(golden)
    messages = chunks.unpack_messages(file.chunk(0), 8)
    payload, lengths = messages.part(0, 7)
    string = np.concatenate([np.unpackbits(np.frombuffer(payload, np.uint8))[: lengths.sum()], np.ones(bits, np.uint8)])
    body = chunks.pack_messages(np.packbits(string).tobytes(), np.append(lengths, bits))
    return container.write(file.header, [body])


def test_a_message_longer_than_its_model_allows_is_refused_wherever_it_lies(golden, model, monkeypatch):
    """Whichever image is asked for: the others of its chunk are no files of this model either."""
    capacity = 100
    monkeypatch.setattr(relative_entropy, "_capacity", lambda *_: capacity)
    longest = 8 * (capacity + 4)
    for index in (0, 7, None):
        with pytest.raises(FormatError, match="longer than any of its model"):
            lossless.decompress(with_a_long_message(golden["orc"], longest + 1), index=index, model=model)
    # The longest that fits, and is no message of an image all the same.
    assert lossless.decompress(with_a_long_message(golden["orc"], longest - 8), index=0, model=model).shape == (8, 8)
    with pytest.raises(FormatError, match="does not end where its message does"):
        lossless.decompress(with_a_long_message(golden["orc"], longest - 8), index=7, model=model)


@pytest.mark.parametrize("bits", [1, 8, 40])
def test_a_message_with_a_bit_more_is_refused(golden, model, bits):
    """Above and below what the image's own bits are; a codec that needs them all leaves some of those."""
    file = container.read(golden["orc"])
    messages = chunks.unpack_messages(file.chunk(0), 8)
    payload, lengths = messages.part(0, 8)
    string = np.unpackbits(np.frombuffer(payload, np.uint8))[: lengths.sum()]
    last = int(lengths[:7].sum())
    for own in (np.insert(string, last, [1] * bits), np.append(string, np.zeros(bits, np.uint8))):
        body = chunks.pack_messages(np.packbits(own).tobytes(), np.append(lengths[:7], lengths[7] + bits))
        with pytest.raises(FormatError, match="does not end where its message does"):
            lossless.decompress(container.write(file.header, [body]), model=model)
