"""Files that travel: to later versions, other processes, other instruction sets and other batch shapes."""

import hashlib

import numpy as np
import pytest

from recjax.codecs import decompress as files
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.errors import FormatError

DIGEST = "3b719e5d6fac138ca939d2b0662d0c464e796668d332cd17a26f4ced44bbff71"


def digest(images: np.ndarray) -> str:
    return hashlib.sha256(images.tobytes()).hexdigest()


def test_golden_files_decode_to_their_pixels(case, golden, digits):
    decoded = lossless.decompress(golden[str(case)])
    assert digest(decoded) == DIGEST and np.array_equal(decoded, digits[:8])


def test_golden_bytes_of_bits_back(golden, model, digits):
    # Both sides are integers alone; files of searches depend on the floats of the machine that wrote them.
    assert lossless.compress(digits[:8], model) == golden["bb-ans"]


def test_decoding_does_not_depend_on_the_batch(rec_case, golden, digits, monkeypatch):
    # A golden file was decoded in a batch of 8 above, here in one of 7 (and padding) and one of 1.
    monkeypatch.setattr(relative_entropy, "BATCH", 7)
    assert np.array_equal(lossless.decompress(golden[str(rec_case)]), digits[:8])


def test_what_takes_too_long_is_given_up(digits, model, monkeypatch):
    images, seen = digits[:100], []
    data = lossless.compress(images, model, method="orc", candidates=64, block_bits=6.0)
    monkeypatch.setattr(relative_entropy, "BATCH", 32)
    with pytest.raises(FormatError, match="32 of 100 images took 0 seconds to decode; raise max_seconds"):
        files.decompress(data, max_seconds=0)
    with pytest.raises(ValueError, match="max_seconds must be 0 or more, got nan"):
        files.decompress(data, max_seconds=float("nan"))
    assert np.array_equal(files.decompress(data, max_seconds=0, index=5), images[5])
    decoded = files.decompress(data, max_seconds=600, progress=lambda *counts: seen.append(counts))
    assert np.array_equal(decoded, images) and seen == [(32, 100), (64, 100), (96, 100), (100, 100)]
