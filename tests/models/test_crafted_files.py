"""Model files that somebody made by hand: whatever their header says, a model that is whole, or a sentence."""

import functools
import json
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from recjax.io import tensor_file
from recjax.models import document as documents
from recjax.models.inr import model as inr_model
from recjax.models.pixel_network import model as pixel_model
from recjax.models.vae import evaluate as models
from recjax.pretrained.cards import PIXEL_NETWORKS

TINY = Path(__file__).parents[1] / "golden" / "tiny.safetensors"
DECODING = {"format", "image_shape", "levels", "likelihood", "context_radius", "posterior"}
PIXEL_DECODING = {"kind", "format", "channels"}
LOSSY_DECODING = {"kind", "format", "shape", "spans", "value_bits"}


class Kind(NamedTuple):
    """A kind of model file: one that is good, how it is loaded, and what its digest is of."""

    path: Path
    load: Callable[[Path], Any]
    decoding: set[str]


KINDS = {
    "lossless": Kind(models.PRETRAINED / "digits.safetensors", models.load_model, DECODING),
    "lossy": Kind(TINY, inr_model.load_model, LOSSY_DECODING),
    "pixel network": Kind(PIXEL_NETWORKS / "photos-rgb.safetensors", pixel_model.load_model, PIXEL_DECODING),
}
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=list(KINDS))


def parts(path: Path) -> tuple[dict[str, Any], dict[str, Any], bytes]:
    """Header of a safetensors file, the document in it, and the bytes behind it."""
    data = path.read_bytes()
    end = 8 + struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8:end])
    return header, json.loads(header["__metadata__"]["recjax"]), data[end:]


def written(path: Path, header: dict[str, Any], document: str | dict[str, Any], rest: bytes) -> Path:
    text = document if isinstance(document, str) else json.dumps(document)
    head = json.dumps({**header, "__metadata__": {"recjax": text}}).encode()
    path.write_bytes(struct.pack("<Q", len(head)) + head + rest)
    return path


@functools.cache
def tensors_of(path: Path) -> dict[str, np.ndarray]:
    return tensor_file.read(path)[0]


def with_digest(kind: Kind, document: dict[str, Any]) -> dict[str, Any]:
    """The document with the digest of what it states: anybody can compute it."""
    stated = {name: value for name, value in document.items() if name in kind.decoding}
    return {**document, "digest": tensor_file.digest(tensors_of(kind.path), stated)}


def refusal(kind: Kind, path: Path) -> str | None:
    """The sentence with which a file is refused, None for a model that is whole."""
    try:
        model = kind.load(path)
    except ValueError as error:
        assert str(error).isprintable() and len(str(error)) < 1000, str(error)[:1000]
        return str(error)
    documents.check_name(model.name)
    assert model.metadata is not None and len(model.digest) == 64
    return None


BAD = [
    None, True, -1, 0, 1, 2, 3.0, -8, 1 << 31, 1 << 70, float("nan"), float("inf"), "", "x", "8", "normal", "isokl",
    "\x1b[31m", "a\nb", "\ud800", "../x", "x" * 1000, [], [8], [-8, -8], [8.0, 8.0], ["8", "8"], [1 << 40, 1], [0, 0],
    [8] * 1000, [[8], 8], {}, {"a": 1},
]  # fmt: skip


def mutated(value: Any) -> Iterator[Any]:
    """The document with one value in it replaced by each bad one, or taken away."""
    if isinstance(value, dict):
        for name, inner in value.items():
            rest = {other: one for other, one in value.items() if other != name}
            yield rest
            yield from ({**rest, name: bad} for bad in BAD)
            yield from ({**rest, name: one} for one in mutated(inner))
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield value[:place] + value[place + 1 :]
            yield from ([*value[:place], bad, *value[place + 1 :]] for bad in BAD)
            yield from ([*value[:place], one, *value[place + 1 :]] for one in mutated(inner))


@each_kind
def test_a_document_with_one_bad_value_is_refused_or_means_what_it_says(kind, tmp_path):
    header, good, rest = parts(kind.path)
    good = {**good, "card": {"data": "none", "priors": good["card"].get("priors", [])[:2]}}
    assert refusal(kind, written(tmp_path / "m", header, with_digest(kind, good), rest)) is None
    refused = accepted = 0
    for document in mutated(good):
        if document.get("digest") == good["digest"]:
            document = with_digest(kind, document)
        path = written(tmp_path / "m", header, document, rest)
        if refusal(kind, path) is not None:
            refused += 1
            continue
        accepted += 1
        # What is taken is the card, for people, another name, a field that may be missing, or one that does not matter.
        changed = {name for name in {*good, *document} if good.get(name) != document.get(name)} - {"digest"}
        assert changed <= {"card", "name", "likelihood", "context_radius", "posterior", "levels", "value_bits"}, (
            document
        )
        assert max(document.get("value_bits", [0])) <= 30
        assert document.get("context_radius", 0) == 0 and document.get("posterior", "normal") == "normal"
        assert document.get("levels", 2) in (2, 3, 17) or kind.decoding is LOSSY_DECODING
    assert refused > 100 and accepted > 5


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


NAMED = {
    "a name that clears the screen": ({"name": "\x1b[2J"}, "characters that print"),
    "a name of two lines": ({"name": "a\nb"}, "characters that print"),
    "half of a character": ({"name": "\ud800"}, "characters that print"),
    "a name that writes backwards": ({"name": "\u202egpj"}, "characters that print"),
    "a path for a name": ({"name": "../../x"}, "no slash"),
    "no name": ({"name": ""}, "a model's name has 1 to 100 characters"),
    "a number for a name": ({"name": 5}, "a model's name has 1 to 100 characters"),
    "a card that is nested deeply": ({"card": {"a": json.loads(nested(100))}}, "nested at most 16 deep"),
}


@pytest.mark.parametrize("name", NAMED)
@each_kind
def test_names_and_cards_that_no_one_should_print_are_refused(kind, name, tmp_path):
    header, good, rest = parts(kind.path)
    changes, sentence = NAMED[name]
    found = refusal(kind, written(tmp_path / "m", header, with_digest(kind, {**good, **changes}), rest))
    assert found is not None and sentence in found


SIZES = {
    "sides below 0": ({"image_shape": [-8, -8]}, "its image_shape must be a list of 1 to 4 whole numbers from 1 to"),
    "sides that are huge": ({"image_shape": [1 << 40, 1]}, "its image_shape must be"),
    "sides in words": ({"image_shape": "88"}, "its image_shape must be"),
    "levels in words": ({"levels": "17"}, "its levels must be a whole number from 2 to 256, got '17'"),
    "levels in fractions": ({"levels": 17.0}, "its levels must be a whole number"),
    "more levels than a byte": ({"levels": 257}, "its levels must be a whole number"),
    "a context of no model": ({"context_radius": 1 << 40}, "its context_radius must be a whole number from 0 to 4"),
    "a likelihood in a list": ({"likelihood": ["bernoulli"]}, "its likelihood must be a string"),
}


@pytest.mark.parametrize("name", SIZES)
def test_sizes_that_no_model_has_are_refused(name, tmp_path):
    kind, (changes, sentence) = KINDS["lossless"], SIZES[name]
    header, good, rest = parts(kind.path)
    found = refusal(kind, written(tmp_path / "m", header, with_digest(kind, {**good, **changes}), rest))
    assert found is not None and sentence in found


TEXTS = {
    "nested beyond any stack": '{"card": ' + nested(200_000) + "}",
    "a key twice": '{"name": "a", "name": "b"}',
    "a list": "[]",
    "a number of a million digits": '{"format": ' + "9" * 1_000_000 + "}",
    "nothing": "",
    "half of it": '{"name": "a"',
}


@pytest.mark.parametrize("name", TEXTS)
@each_kind
def test_texts_that_are_no_document_are_refused(kind, name, tmp_path):
    header, _, rest = parts(kind.path)
    found = refusal(kind, written(tmp_path / "m", header, TEXTS[name], rest))
    assert found is not None and "is not a whole safetensors file of recjax" in found


TYPES = {"F8_E4M3": 1, "F8_E5M2": 1, "BF16": 2, "F16": 2, "F32": 4, "U32": 4, "I64": 8, "BOOL": 1, "X9": 4, "C64": 8}


@pytest.mark.parametrize("dtype", TYPES)
@each_kind
def test_tensors_of_other_types_are_refused(kind, dtype, tmp_path):
    header, good, rest = parts(kind.path)
    name = "kl_bits" if "kl_bits" in header else "0.skip.bias"
    old = header[name]
    count = int(np.prod(old["shape"])) * 4 // TYPES[dtype]
    changed = {**header, name: {**old, "dtype": dtype, "shape": [count]}}
    assert refusal(kind, written(tmp_path / "m", changed, good, rest)) is not None


@each_kind
def test_a_tensor_that_no_model_has_is_refused(kind, tmp_path):
    header, good, rest = parts(kind.path)
    end = max(one["data_offsets"][1] for name, one in header.items() if name != "__metadata__")
    for name in ("stowaway", "index_counts.\x1b[2J", "maps.9.bias"):
        more = {**header, name: {"dtype": "I8", "shape": [4], "data_offsets": [end, end + 4]}}
        assert refusal(kind, written(tmp_path / "m", more, good, rest + b"\1\2\3\4")) is not None


@each_kind
def test_headers_with_damaged_bytes_are_refused_or_mean_the_same(kind, tmp_path):
    data, rng = kind.path.read_bytes(), np.random.default_rng(0)
    end, digest = 8 + struct.unpack("<Q", data[:8])[0], kind.load(kind.path).digest
    path = tmp_path / "m"
    for turn in range(250):
        damaged = bytearray(data)
        places = rng.integers(0, 8 if turn < 30 else end, rng.integers(1, 4))
        for place in places.tolist():
            damaged[place] = int(rng.integers(256))
        path.write_bytes(bytes(damaged))
        if refusal(kind, path) is None:
            assert kind.load(path).digest == digest
    for length in rng.integers(0, len(data), 20).tolist():
        path.write_bytes(data[:length])
        assert refusal(kind, path) is not None
