"""A lossy file is decoded again before it is given away, and what no encoder sends is refused."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import recjax
from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy import file as inr_file
from recjax.codecs.lossy.encode import Effort
from recjax.container import chunks
from recjax.container import file as container
from recjax.errors import FaultError, FormatError
from recjax.models.inr import model as inr_model
from tests.representations import GOLDEN


@pytest.mark.parametrize("place", [None, (0, 0, 0, 0), (-1, -1, -1, -1)], ids=["same", "first", "last"])
def test_a_file_that_does_not_decode_to_what_was_fitted_is_not_given_away(tiny_model, monkeypatch, place):
    """With the golden file in the place of what a search and the writer make."""
    model, _ = tiny_model
    golden = (GOLDEN / "inr.rjx").read_bytes()
    fitted = recjax.decompress(golden, model=model)
    if place:
        fitted[place] ^= 1
    found = SimpleNamespace(pixels=fitted, weight=1.0)
    monkeypatch.setattr(inr_file.inr, "search", lambda *_, **__: found)
    monkeypatch.setattr(inr_file, "write", lambda *_: golden)
    settings = lossy.make_settings(model, candidates=64, block_bits=4.0)
    if place is None:
        assert inr_file.encode(fitted, model, settings, Effort(10, 0)).data == golden
        return
    with pytest.raises(FaultError, match="did not decode to what was encoded"):
        inr_file.encode(fitted, model, settings, Effort(10, 0))


def test_a_file_of_another_model_is_refused(tiny_model):
    model, _ = tiny_model
    other = inr_model.with_index_counts(model, {"inr-information-6": np.ones(4, np.int32)})
    with pytest.raises(FormatError, match="give the model that made it"):
        recjax.decompress((GOLDEN / "inr.rjx").read_bytes(), model=other)


@pytest.mark.parametrize(
    ("parameter", "value", "told"),
    [("prior", 15, "uses a prior that"), ("index_code", 255, "uses an index code"), ("index_code", 1, "an index code")],
)
def test_settings_that_a_model_does_not_have_are_refused(tiny_model, parameter, value, told):
    model, _ = tiny_model
    file = container.read((GOLDEN / "inr.rjx").read_bytes())
    header = dataclasses.replace(file.header, parameters={**file.header.parameters, parameter: value})
    with pytest.raises(FormatError, match=told):
        recjax.decompress(container.write(header, [file.chunk(0)]), model=model)


def golden_with_last_message(model, change) -> bytes:
    """The golden file with another last message, as an array of bits."""
    file = container.read((GOLDEN / "inr.rjx").read_bytes())
    rows = file.header.count * len(model.spans)
    messages = chunks.unpack_messages(file.chunk(0), rows)
    bits = np.unpackbits(messages.payload)[: int(messages.starts_bits[-1])]
    strings = np.split(bits, messages.starts_bits[1:-1])
    strings[-1] = change(strings[-1])
    lengths = np.array([len(string) for string in strings])
    return container.write(file.header, [chunks.pack_messages(np.packbits(np.concatenate(strings)).tobytes(), lengths)])


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda bits: np.append(bits, np.uint8(1)), "do not end where their message does"),
        (lambda bits: np.concatenate([np.zeros(1, np.uint8), bits]), "do not end where their message does"),
        (lambda bits: np.concatenate([bits, np.ones(8 * 5000, np.uint8)]), "longer than any of its model"),
    ],
    ids=["a bit more", "a bit before", "far too long"],
)
def test_messages_that_no_encoder_leaves_are_refused(tiny_model, change, told):
    model, _ = tiny_model
    with pytest.raises(FormatError, match=told):
        recjax.decompress(golden_with_last_message(model, change), model=model)


def test_the_golden_file_put_together_again_is_itself(tiny_model):
    model, _ = tiny_model
    assert golden_with_last_message(model, lambda bits: bits) == (GOLDEN / "inr.rjx").read_bytes()
