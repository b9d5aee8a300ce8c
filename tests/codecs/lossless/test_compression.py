import numpy as np
import pytest

from recjax.codecs.lossless import compression as lossless
from recjax.container import chunks
from recjax.container import file as container
from recjax.errors import FormatError
from recjax.models.vae import evaluate as models


@pytest.mark.parametrize("count", [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 17, 100, 300))])
def test_round_trip(case, count, model, digits, one_by_one):
    images = digits[:count]
    data = lossless.compress(images, model, method=case.method, seed=count, **case.options)
    header = container.read(data).header
    assert (header.method, header.count, header.seed) == (case.method, count, count)
    decoded = lossless.decompress(data)
    assert decoded.dtype == np.uint8 and np.array_equal(decoded, images)


def test_equal_shapes_compile_nothing_again(model, digits, count_compilations, one_by_one):
    for method, options in (("bb-ans", {}), ("orc", {"partition": False, "candidates": 64, "block_bits": 6.0})):

        def there_and_back(start, method=method, options=options):
            images = digits[start : start + 8]
            # Without `model`, which is then loaded anew: what was compiled for one copy serves another.
            return lossless.decompress(lossless.compress(images, model, method=method, seed=start, **options))

        there_and_back(0)
        assert count_compilations(lambda: there_and_back(900)) == 0


def test_image_17_alone_is_image_17_of_the_batch(case, hundred, digits):
    data = hundred(case)
    for index in (17, -1, np.int64(0)):
        assert np.array_equal(lossless.decompress(data, index=index), digits[:100][index])


def test_one_image_is_reached_without_the_others(rec_case, golden, digits):
    data = golden[str(rec_case)]
    file = container.read(data)
    messages = chunks.unpack_messages(file.chunk(0), 8)
    parts = [range(3), range(3, 6), range(6, 8)]
    bodies = [chunks.pack_messages(*messages.part(part.start, part.stop)) for part in parts]
    header = container.Header(**{**vars(file.header), "parameters": {**file.header.parameters, "chunk_images": 3}})
    damaged = bytearray(container.write(header, bodies))
    damaged[container.read(bytes(damaged)).offsets[0]] ^= 1
    assert np.array_equal(lossless.decompress(bytes(damaged), index=4), digits[4])
    with pytest.raises(FormatError, match="checksum"):
        lossless.decompress(bytes(damaged), index=2)


def test_a_file_that_its_reader_would_refuse_is_stored_raw(model, digits, monkeypatch):
    def refuse(*_, **__):
        raise FormatError("the file declares too many images; it is damaged.")

    monkeypatch.setattr(lossless.bits_back, "encode", refuse)
    assert np.array_equal(chunks.read_raw(container.read(lossless.compress(digits[:2], model))), digits[:2])


UNLIKE_DIGITS = {
    "none": np.zeros((0, 8, 8), np.uint8),
    "noise": np.random.default_rng(0).integers(0, 17, (1, 8, 8), np.uint8),
    "white": np.full((17, 8, 8), 16, np.uint8),
}


@pytest.mark.parametrize("name", UNLIKE_DIGITS)
def test_what_coding_would_not_shrink_is_stored_raw(case, name, model, one_by_one):
    images = UNLIKE_DIGITS[name]
    data = lossless.compress(images, model, method=case.method, **case.options)
    assert container.read(data).header.method == "raw" and len(data) <= images.size + 20
    assert np.array_equal(lossless.decompress(data), images)
    if len(images):
        assert np.array_equal(lossless.decompress(data, index=-1), images[-1])


@pytest.mark.parametrize("failure", ["other images", "no images"])
def test_what_does_not_decode_is_stored_raw(model, digits, monkeypatch, failure):
    def decode(*_, **__):
        if failure == "no images":
            raise FormatError("the chain ends early")
        return digits[1:2]

    monkeypatch.setattr(lossless.bits_back, "decode", decode)
    with pytest.warns(UserWarning, match="stored raw"):
        data = lossless.compress(digits[:1], model)
    assert container.read(data).header.method == "raw"
    assert np.array_equal(lossless.decompress(data), digits[:1])


def test_what_overflows_is_stored_raw(model, digits, monkeypatch):
    monkeypatch.setattr(lossless.bits_back.rans, "MAX_CAPACITY", 100)
    monkeypatch.setattr(lossless.bits_back, "step_bytes", lambda *_: 40)
    data = lossless.compress(digits[:8], model)
    assert container.read(data).header.method == "raw" and np.array_equal(lossless.decompress(data), digits[:8])


@pytest.mark.parametrize("method", ["bb-ans", "pfr", "orc", "as-star"])
def test_progress_counts_every_image_twice(model, digits, one_by_one, method):
    seen = []
    options = {"candidates": 64, "block_bits": 6.0} if method in ("bb-ans-rec", "pfr", "orc") else {}
    lossless.compress(digits[:3], model, method=method, **options, progress=lambda *counts: seen.append(counts))
    done = [step for step, _ in seen]
    assert {total for _, total in seen} == {6} and done == sorted(done) and done[-1] == 6 and 3 in done


BAD_ARGUMENTS = {
    "method": ({"method": "zip"}, "choose one of bb-ans, pfr, orc, as-star, ad-star, dad-star, gprs, bb-ans-rec, inr"),
    "a search for bits-back": ({"candidates": 64}, "belongs to pfr, orc, bb-ans-rec, inr; leave it out"),
    "a block for bits-back": ({"block_bits": 3.0}, "belongs to pfr, orc, bb-ans-rec, inr; leave it out"),
    "blocks for single latents": ({"method": "as-star", "blocks": 3}, "as-star has no use for blocks"),
    "a depth for ad-star": ({"method": "ad-star", "max_depth": 3}, "belongs to dad-star; leave it out"),
    "branches for dad-star": ({"method": "dad-star", "branch_code": "raw"}, "belongs to as-star, gprs; leave it out"),
    "unknown branches": ({"method": "gprs", "branch_code": "huffman"}, "one of raw, arithmetic, got 'huffman'"),
    "unknown index code": ({"method": "orc", "index_code": "gamma"}, "one of zeta, learned, delta, got 'gamma'"),
    "unknown bin code": ({"method": "orc", "bin_code": "zeta"}, "one of uniform, learned, got 'zeta'"),
    "learned bins of none": ({"method": "orc", "bin_code": "learned", "partition": False}, "need a partition"),
    "bins not learned": ({"method": "orc", "bin_code": "learned"}, "has no masses of intervals"),
    "indices not learned": ({"method": "gprs", "index_code": "learned"}, "has no histogram 'gprs'"),
    "no blocks": ({"method": "orc", "blocks": 0}, "blocks must lie between 1 and"),
    "half a block": ({"method": "orc", "blocks": 1.5}, "blocks must be a whole number, got 1.5"),
    "blocks of two kinds": ({"method": "orc", "blocks": 2, "block_bits": 8.0}, "give one of them"),
    "too deep": ({"method": "dad-star", "max_depth": 17}, "max_depth must lie between 0 and 16, got 17"),
    "no candidates": ({"method": "orc", "candidates": 0}, "power of two.* got 0; try 1"),
    "three candidates": ({"method": "pfr", "candidates": 3}, "power of two.* got 3; try 2"),
    "half a candidate": ({"method": "pfr", "candidates": 4.5}, "whole number, got 4.5"),
    "too many candidates": ({"method": "orc", "candidates": 1 << 31}, f"try {1 << 30}"),
    "no block": ({"method": "orc", "block_bits": 0.0}, "block_bits must lie between"),
    "endless block": ({"method": "orc", "block_bits": float("inf")}, "block_bits must lie between"),
    "not a block": ({"method": "orc", "block_bits": float("nan")}, "block_bits must be 0 or more, got nan"),
    "negative seed": ({"seed": -1}, "seed"),
    "large seed": ({"seed": 1 << 64, "method": "orc"}, "seed"),
}


@pytest.mark.parametrize("name", BAD_ARGUMENTS)
def test_bad_arguments_get_their_sentence(name, model, digits):
    options, message = BAD_ARGUMENTS[name]
    with pytest.raises(ValueError, match=message):
        lossless.compress(digits[:1], model, **options)


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda x: x.astype(np.float32), "codes uint8 images"),
        (lambda x: x.tolist(), "codes uint8 images"),
        (lambda x: x[:, :7], r"of shape \(8, 8\), got uint8 \(7, 8\)"),
        (lambda x: x[0], "of shape"),
        (lambda x: x[..., None], "of shape"),
        (lambda x: x + np.uint8(1), "pixel values 0 to 16, got up to 17"),
    ],
)
def test_bad_images_get_their_sentence(change, message, model, digits):
    with pytest.raises(ValueError, match=message):
        lossless.compress(change(digits[:9]), model)


def test_bad_requests_get_their_sentence(golden, model):
    data = golden["orc"]
    for index in (8, -9):
        with pytest.raises(ValueError, match="has 8 images"):
            lossless.decompress(data, index=index)
    with pytest.raises(FormatError, match="raise max_bytes"):
        lossless.decompress(data, max_bytes=511)
    assert lossless.decompress(data, max_bytes=512).shape == (8, 8, 8)


def test_files_of_another_model_are_refused(case, golden, model, reseal):
    counts = {"orc-partition-1-1": np.ones(4, np.int32)}
    other = models.with_index_counts(model, counts)
    with pytest.raises(FormatError, match="give the model that made it"):
        lossless.decompress(golden[str(case)], model=other)
    unknown = bytearray(golden[str(case)])
    unknown[5] ^= 1
    with pytest.raises(FormatError, match="not a released model"):
        lossless.decompress(reseal(bytes(unknown)))
    taller = bytearray(golden[str(case)])
    taller[14] = 9
    with pytest.raises(FormatError, match=r"shape \(9, 8\)"):
        lossless.decompress(reseal(bytes(taller)))
