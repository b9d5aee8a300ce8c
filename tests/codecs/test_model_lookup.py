"""Which model a file may be decoded with, and where: digests, counts, fingerprints and sizes of what is shown."""

import dataclasses

import numpy as np
import pytest

import recjax
from recjax.codecs import model_lookup
from recjax.codecs.lossless import fingerprint
from recjax.codecs.lossy import file as inr_file
from recjax.container import file as container
from recjax.container.file import Header
from recjax.errors import FormatError, UnknownModelError
from recjax.models.vae import evaluate as models
from tests.representations import GOLDEN


def header_of(model, **changes) -> Header:
    values = {"method": "bb-ans", "model_digest": bytes.fromhex(model.digest[:16]), "count": 3, "image_shape": (8, 8)}
    values |= {"parameters": {"lanes": 1, "grid_bits": 10, "initial_bytes": 0}, **changes}
    return Header(**values)


def test_a_file_of_no_images_has_no_model(model):
    with pytest.raises(FormatError, match="declares no images, which are stored raw"):
        model_lookup.model_of(header_of(model, count=0), model, models.find_model)
    assert model_lookup.model_of(header_of(model), model, models.find_model) is model
    assert model_lookup.model_of(header_of(model), None, models.find_model).digest == model.digest


@pytest.mark.parametrize("place", [0, 7])
def test_another_digest_is_another_model(model, place):
    digest = bytearray.fromhex(model.digest[:16])
    digest[place] ^= 1
    header = header_of(model, model_digest=bytes(digest))
    with pytest.raises(FormatError, match="give the model that made it"):
        model_lookup.model_of(header, model, models.find_model)
    with pytest.raises(UnknownModelError, match=f"of digest {digest.hex()}, which is not a released model"):
        model_lookup.model_of(header, None, models.find_model)


def test_a_fingerprint_is_of_the_batch(model):
    """Floats of a product depend on how many rows it has."""
    floats = models.in_floats(model)
    found = [fingerprint.fingerprint(floats, batches) for batches in ([1], [2], [1, 2])]
    assert len(set(found)) == 3 and all(len(one) == container.FINGERPRINT_BYTES for one in found)
    assert fingerprint.fingerprint(floats, [2, 1, 2]) == found[2]


def test_a_file_in_floats_of_elsewhere_is_refused(model):
    header = fingerprint.marked(header_of(model), models.in_floats(model), [1])
    assert fingerprint.model_for(header, model, [1], ignore=False).arithmetic == "float"
    elsewhere = dataclasses.replace(header, fingerprint=bytes(8))
    with pytest.raises(FormatError, match="was made in floats of fingerprint 0000000000000000"):
        fingerprint.model_for(elsewhere, model, [1], ignore=False)
    assert fingerprint.model_for(elsewhere, model, [1], ignore=True).arithmetic == "float"
    with pytest.raises(ValueError, match="is in floats; decode it with the exact one"):
        fingerprint.model_for(header_of(model), models.in_floats(model), [1], ignore=False)


def test_what_a_lossy_file_renders_to_is_bounded(tiny_photo_model, monkeypatch):
    """Of whole patches, which are more than the picture: 13 x 11 pixels are shown as 16 x 16."""
    model, _ = tiny_photo_model
    monkeypatch.setattr(inr_file, "decode", lambda file, *_, **__: np.zeros((file.header.count, 13, 11, 3), np.uint8))
    data = (GOLDEN / "inr-photo.rjx").read_bytes()
    count = container.read(data).header.count
    rendered = count * 16 * 16 * 3
    assert recjax.decompress(data, model=model, max_bytes=rendered).shape == (count, 13, 11, 3)
    for limit in (rendered - 1, count * 13 * 11 * 3):
        with pytest.raises(FormatError, match=f"take {rendered:,} bytes to render, more than max_bytes"):
            recjax.decompress(data, model=model, max_bytes=limit)
    assert np.prod(container.read(data).header.image_shape) == 13 * 11 * 3
