import hashlib
import itertools
import time
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recjax import randomness
from recjax.container import chunks, directory, methods
from recjax.container import file as container
from recjax.container.file import Header
from recjax.errors import FormatError

DIGEST = bytes(range(8))
REC = {"partition": 1, "candidates_log2": 12, "block_budget_bits_q10": 16 << 10, "index_code": 1, "chunk_images": 64}
BB_ANS = {"lanes": 64, "grid_bits": 10, "initial_bytes": 40}
PATHS = {"index_code": 1, "chunk_images": 64}
CHAIN = {"lanes": 16, "grid_bits": 10, "rec_images": 5, **{name: REC[name] for name in list(REC)[:4]}}
PARAMETERS = {
    "raw": {},
    "bb-ans": BB_ANS,
    "pfr": REC,
    "orc": REC,
    "as-star": {"branch_code": 1, **PATHS},
    "ad-star": PATHS,
    "dad-star": {"max_depth": 8, **PATHS},
    "gprs": {"branch_code": 0, **PATHS},
    "bb-ans-rec": CHAIN,
    "pixel-network": {"side_log2": 8, "stream_tiles": 1, "chunk_images": 64},
    "inr": {**REC, "prior": 1, "shift_bits_q10": 1 << 12},
}


def header_of(method: str, count: int = 100, shape: tuple[int, ...] = (8, 8), seed: int = 0) -> Header:
    return Header(method, bytes(8) if method == "raw" else DIGEST, count, shape, seed, PARAMETERS[method])


def random_bodies(header: Header, seed: int = 0) -> list[bytes]:
    rng = np.random.default_rng(seed)
    return [rng.bytes(int(rng.integers(0, 200))) for _ in range(header.num_chunks)]


@pytest.mark.parametrize("method", container.METHODS)
@pytest.mark.parametrize("count", [0, 1, 64, 65, 100])
@pytest.mark.parametrize("shape", [(8, 8), (1, 300, 3)])
def test_read_returns_what_was_written(method, count, shape):
    header = header_of(method, count, shape, seed=2**64 - 1)
    bodies = random_bodies(header)
    file = container.read(container.write(header, bodies))
    assert file.header == header
    assert [file.chunk(number) for number in range(header.num_chunks)] == bodies
    assert [i for number in range(header.num_chunks) for i in header.images_of(number)] == list(range(count))


def test_golden_bytes_of_a_tiny_file():
    body = chunks.pack_messages(b"\xb9\x30", np.array([3, 5, 4]))
    data = container.write(header_of("orc", 3), [body])
    assert body.hex() == "300004d0b930"
    assert data.hex() == "524a58011300010203040506070208080300010c808001014006" + body.hex() + "1582adb8"


@pytest.mark.parametrize("method, overhead_bytes", [("raw", 16), ("bb-ans", 27), ("pfr", 31), ("orc", 31)])
def test_overhead_of_a_file_of_one_chunk(method, overhead_bytes):
    assert len(container.write(header_of(method, 60), [bytes(8000)])) - 8000 == overhead_bytes


def test_stream_version_is_that_of_the_stream():
    assert container.STREAM_VERSION == randomness.STREAM_VERSION


def test_a_chunk_is_read_without_the_others():
    header = header_of("pfr", 200)
    bodies = random_bodies(header)
    data = bytearray(container.write(header, bodies))
    data[-6] ^= 1
    file = container.read(bytes(data))
    assert file.locate(70) == (1, 6) and file.locate(-1) == (3, 7)
    assert file.chunk(1) == bodies[1]
    with pytest.raises(FormatError, match="checksum of chunk 3"):
        file.chunk(3)


@pytest.mark.parametrize("index", [-101, 100])
def test_an_index_out_of_range_is_a_sentence(index):
    file = container.read(container.write(header_of("orc"), [b"", b""]))
    with pytest.raises(ValueError, match="has 100 images"):
        file.locate(index)


@pytest.mark.parametrize("method", container.METHODS)
def test_every_bit_flip_and_truncation_is_refused(method):
    header = header_of(method, 70)
    data = container.write(header, random_bodies(header))
    damaged = [data[:size] for size in range(len(data))] + [data + b"\0"]
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        damaged.append(bytes(flipped))
    for bad in damaged:
        with pytest.raises(FormatError):
            file = container.read(bad)
            for number in range(file.header.num_chunks):
                file.chunk(number)


def test_a_chunk_of_another_place_or_file_is_refused():
    header = header_of("orc", 128)
    bodies = [b"first", b"other"]
    data, swapped = container.write(header, bodies), container.write(header, bodies[::-1])
    other = container.write(header_of("orc", 128, seed=1), bodies)
    offset = container.read(data).offsets[0]
    for bad in (
        data[:offset] + data[offset + 9 :] + data[offset : offset + 9],
        data[:offset] + swapped[offset + 9 :] * 2,
    ):
        with pytest.raises(FormatError, match="checksum"):
            container.read(bad).chunk(0)
    with pytest.raises(FormatError, match="checksum"):
        container.read(data[:offset] + other[offset:]).chunk(0)


def patch(data: bytes, at: int, *replacement: int, cut: int | None = None) -> bytes:
    return data[:at] + bytes(replacement) + data[at + (len(replacement) if cut is None else cut) :]


GOOD = container.write(header_of("orc", 3), [b"body"])
BAD_FILES = {
    "empty": (b"", "not a file of recjax"),
    "wrong magic": (b"PK\3\4" + GOOD[4:], "not a file of recjax"),
    "magic only": (b"RJX", "truncated"),
    "newer format": (patch(GOOD, 3, 3), "upgrade recjax"),
    "newer stream": (patch(GOOD, 4, 0x23), "upgrade recjax"),
    "format 0": (patch(GOOD, 3, 0), "damaged"),
    "unknown method": (patch(GOOD, 4, 0x1F), "does not have"),
    "rank": (patch(GOOD, 13, 4), "rank"),
    "no height": (patch(GOOD, 14, 0), "height"),
    "absurd count": (patch(GOOD, 16, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, cut=1), "limit"),
    "more than its bytes can hold": (patch(GOOD, 16, 0x80, 0x80, 0x40, cut=1), "of its own"),
    "endless varint": (patch(GOOD, 16, *[0xFF] * 40, cut=1), "number of images"),
    "long form of a varint": (patch(GOOD, 16, 0x83, 0x00, cut=1), "shortest"),
    "parameter out of range": (patch(GOOD, 18, 2), "partition"),
    "chunk larger than the file": (patch(GOOD, 25, 127), "size of a chunk"),
    "chunk larger than its place": (patch(GOOD, 25, 5), "truncated"),
    "trailing byte": (GOOD + b"\0", "follow its end"),
    "more bytes than images need": (container.write(header_of("raw", 3), [b"x"]) + bytes(80_000), "spends"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files_are_refused_with_a_sentence(name):
    data, message = BAD_FILES[name]
    with pytest.raises(FormatError, match=message) as caught:
        container.read(data)
    assert str(caught.value).endswith(".") and "\n" not in str(caught.value)


def test_max_bytes_bounds_the_images():
    data = container.write(header_of("bb-ans", 100), [bytes(10)])
    assert container.read(data, max_bytes=6400).header.raw_bytes == 6400
    with pytest.raises(FormatError, match="raise max_bytes"):
        container.read(data, max_bytes=6399)


@settings(max_examples=300, deadline=None)
@given(data=st.data())
def test_resealed_mutations_raise_nothing_but_format_errors(reseal, data):
    lengths = np.random.default_rng(0).integers(90, 160, 100)
    bits = np.random.default_rng(1).integers(0, 2, int(lengths.sum()), np.uint8)
    cuts = np.split(bits, np.cumsum(lengths))
    header = header_of("pfr", 100)
    bodies = [
        chunks.pack_messages(np.packbits(np.concatenate(cuts[p])).tobytes(), lengths[p])
        for p in (slice(0, 64), slice(64, 100))
    ]
    good = container.write(header, bodies)
    mutated = bytearray(good)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, min(len(good) - 1, 60) if data.draw(st.booleans()) else len(good) - 1))
        mutated[place] = data.draw(st.integers(0, 255))
    try:
        file = container.read(reseal(bytes(mutated)))
        for number in range(file.header.num_chunks):
            images = len(file.header.images_of(number))
            messages = chunks.unpack_messages(file.chunk(number), images)
            assert messages.lengths_bits.shape == (images,)
            assert len(messages.part(0, images)[0]) == -(-messages.lengths_bits.sum() // 8)
    except FormatError:
        pass


def test_messages_come_back_one_by_one():
    rng = np.random.default_rng(3)
    lengths = rng.integers(0, 300, 50)
    bits = rng.integers(0, 2, int(lengths.sum()), np.uint8)
    payload = np.packbits(bits).tobytes()
    messages = chunks.unpack_messages(chunks.pack_messages(payload, lengths), 50)
    assert messages.part(0, 50)[0] == payload and np.array_equal(messages.lengths_bits, lengths)
    starts = np.cumsum(lengths) - lengths
    for image in (0, 17, 49):
        one, length = messages.part(image, image + 1)
        assert one == np.packbits(bits[starts[image] : starts[image] + lengths[image]]).tobytes()
        assert length.tolist() == [lengths[image]]


@pytest.mark.parametrize("change", ["shorter", "longer", "padding"])
def test_messages_must_fill_the_chunk(change):
    body = chunks.pack_messages(bytes(15), np.array([3, 7, 8, 100]))
    bad = {"shorter": body[:-1], "longer": body + b"\0", "padding": body[:-1] + bytes([body[-1] | 1])}[change]
    with pytest.raises(FormatError):
        chunks.unpack_messages(bad, 4)


@pytest.mark.parametrize("shape", [(0, 4, 4), (5, 4, 4), (2, 6, 5, 3)])
def test_raw_files_give_the_images_back(shape):
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    back = chunks.read_raw(container.read(chunks.write_raw(images)))
    assert back.dtype == np.uint8 and np.array_equal(back, images)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "zip"},
        {"model_digest": b""},
        {"image_shape": (8,)},
        {"count": -1},
        {"seed": 1 << 64},
        {"parameters": {}},
        {"parameters": REC | {"chunk_images": 0}},
    ],
)
def test_headers_out_of_range_are_refused(change):
    fields = {"method": "orc", "model_digest": DIGEST, "count": 3, "image_shape": (8, 8), "parameters": REC}
    with pytest.raises(ValueError):
        Header(**(fields | change))


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(
        st.lists(st.integers(0, 2**32 - 1), max_size=40),
        st.lists(st.integers(100, 160), max_size=200),
        st.lists(st.integers(0, 10).map(lambda v: 12 * v), max_size=100),
    ),
    st.binary(max_size=12),
)
def test_directory_round_trip(lengths, rest):
    encoded = directory.encode(np.array(lengths, np.int64))
    decoded, position = directory.decode(encoded + rest, len(lengths))
    assert decoded.tolist() == lengths and position == len(encoded)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80), st.integers(0, 100))
def test_directories_of_any_bytes_are_refused_or_decoded(body, images):
    try:
        lengths, position = directory.decode(body, images)
    except FormatError:
        return
    assert lengths.shape == (images,) and (lengths >= 0).all() and position <= len(body)


@pytest.mark.parametrize(
    "draw",
    [
        lambda rng, n: rng.normal(130, 20, n),
        lambda rng, n: rng.logistic(130, 12, n),
        lambda rng, n: rng.gamma(6, 10, n) + 40,
        lambda rng, n: rng.normal(50_000, 3_000, n),
        lambda rng, n: np.where(rng.random(n) < 0.1, rng.normal(60, 8, n), rng.normal(115, 20, n)),
    ],
    ids=["normal", "logistic", "skewed", "wide", "mixture"],
)
def test_directory_is_near_the_entropy_of_the_lengths(draw):
    rng = np.random.default_rng(0)
    masses = np.unique(np.round(draw(rng, 2_000_000)), return_counts=True)[1] / 2_000_000
    entropy_bits = -(masses * np.log2(masses)).sum()
    for count, excess_bits in ((4096, 0.12), (100, 0.75)):
        lengths = np.maximum(np.round(draw(rng, count)), 0).astype(np.int64)
        assert 8 * len(directory.encode(lengths)) / count < entropy_bits + excess_bits


def test_directory_uses_a_common_factor_and_equal_lengths():
    lengths = np.random.default_rng(0).normal(130, 20, 1000).astype(np.int64)
    plain, thirds = len(directory.encode(lengths)), len(directory.encode(lengths // 3 * 3))
    assert 8 * (plain - thirds) / 1000 == pytest.approx(np.log2(3), abs=0.1)
    assert len(directory.encode(np.full(1000, 130))) <= 3


def test_directory_codes_are_complete_prefix_codes_and_never_drift():
    shapes = list(itertools.product(range(4), range(16), range(16)))
    for shape in shapes:
        bits = directory.prefix_code(*shape).bits
        assert bits.max() <= 21 and (1 << 21 >> bits).sum() == 1 << 21
    digest = hashlib.sha256(repr([directory.weights(*shape) for shape in shapes]).encode()).hexdigest()
    assert digest == "095edb134b25204c91af14a745c2524251465dcb0f3df1aabaf033a37d922a8c"
    code, some = directory.prefix_code(1, 8, 9), [0, 40, 63, 64, 90, 127]
    assert code.bits[some].tolist() == [20, 15, 3, 3, 15, 10]
    assert code.words[some].tolist() == [1048532, 32756, 1, 2, 32759, 1019]


def test_decoding_the_longest_directory_is_quick_and_small():
    # Code words of the most bits with 14 extra bits each: the reader looks at as many bits as it ever may.
    body = bytes([0x0E, 0x00, 0x00]) + b"\xff" * 200_000
    tracemalloc.start()
    start = time.perf_counter()
    lengths, _ = directory.decode(body, methods.MAX_CHUNK_IMAGES)
    seconds, peak_bytes = time.perf_counter() - start, tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert lengths.shape == (methods.MAX_CHUNK_IMAGES,)
    assert seconds < 5 and peak_bytes < 4096 * methods.MAX_CHUNK_IMAGES


def test_more_chunks_than_bytes_are_refused_before_they_are_listed():
    """Each chunk takes five bytes at least: its size and its checksum."""
    header = header_of("pfr", 1 << 14)
    header = Header("pfr", DIGEST, 1 << 14, (8, 8), 0, {**REC, "chunk_images": 1})
    good = container.write(header_of("pfr", 1 << 14), random_bodies(header_of("pfr", 1 << 14)))
    head = container.write(header, [b""] * header.num_chunks)[:30]
    assert container.read(good).header.num_chunks == 256
    with pytest.raises(FormatError, match="declares 16384 chunks in"):
        container.read(head + bytes(4000))


@pytest.mark.parametrize("method", container.METHODS)
def test_a_fingerprint_belongs_to_methods_that_evaluate_networks(method):
    header = header_of(method, 3)
    data = bytearray(container.write(header, [b"body"]))
    data[3] = container.FLOAT_FORMAT_VERSION
    place = 5 if method == "raw" else 5 + container.DIGEST_BYTES
    marked = bytes(data[:place]) + bytes(range(8)) + bytes(data[place:])
    if container.METHODS[method].allows_floats:
        assert container.read(marked).header.fingerprint == bytes(range(8))
        return
    with pytest.raises(FormatError, match="in floats, which there is not"):
        container.read(marked)
    with pytest.raises(ValueError, match=f"files of {method} may have none"):
        Header(method, header.model_digest, 3, (8, 8), 0, header.parameters, bytes(8))


@pytest.mark.parametrize(
    ("method", "name"), [(method, name) for method, row in container.METHODS.items() for name in row.parameters]
)
def test_parameters_lie_within_their_bounds(method, name):
    lowest, highest = container.METHODS[method].parameters[name]
    for value in (lowest, highest):
        Header(method, DIGEST, 3, (8, 8), 0, {**PARAMETERS[method], name: value})
    for value in (lowest - 1, highest + 1):
        with pytest.raises(ValueError, match=rf"{name} must lie in \[{lowest}, {highest}\], got {value}"):
            Header(method, DIGEST, 3, (8, 8), 0, {**PARAMETERS[method], name: value})


@pytest.mark.parametrize("change", [-1, 1])
def test_a_raw_file_holds_its_images_and_no_more(change):
    body = bytes(3 * 64 + change)
    data = container.write(header_of("raw", 3), [body])
    with pytest.raises(FormatError, match=f"a raw file of 192 bytes of images holds {len(body)}"):
        chunks.read_raw(container.read(data))
