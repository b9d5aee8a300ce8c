"""Hostile files: each is refused with FormatError or, if its checksums are right, may decode to the declared shape."""

import numpy as np
import pytest

from experiments import memory
from experiments.fuzzing import attack, mutations
from recjax.codecs.lossless import compression as lossless
from recjax.container import chunks
from recjax.container import file as container
from recjax.errors import FormatError

SECONDS_WARM = 2.0
SECONDS_COMPILING = 30.0
FILE_MEGABYTES = 512.0


def many_chunks(golden: bytes) -> bytes:
    """The golden file again, in chunks of three images."""
    file = container.read(golden)
    messages = chunks.unpack_messages(file.chunk(0), 8)
    bodies = [chunks.pack_messages(*messages.part(start, min(start + 3, 8))) for start in (0, 3, 6)]
    parameters = {**file.header.parameters, "chunk_images": 3}
    return container.write(container.Header(**{**vars(file.header), "parameters": parameters}), bodies)


def mutated(files: list[bytes], count: int):
    rng = np.random.default_rng(count)
    for number in range(count):
        data, other = (files[k] for k in rng.integers(0, len(files), 2))
        sealed = number % 2 == 1
        bad = (mutations.mutate_and_seal if sealed else mutations.mutate)(rng, data, other)
        yield "unchanged" if bad == data else "sealed" if sealed else "plain", bad


def test_mutated_files_are_refused_or_decode_to_their_shape(some_golden, golden, model, digits):
    count = 20_000 if len(some_golden) == len(golden) else 600
    raw, chunked = chunks.write_raw(digits[:2]), [many_chunks(golden[name]) for name in ("orc", "pfr-plain")]
    files = [*some_golden.values(), *chunked, raw]

    def decode(data: bytes) -> np.ndarray:
        return lossless.decompress(data, model=model, max_bytes=1 << 24)

    for data in files:
        decode(data)
    seen = attack.attack(mutated(files, count), decode, SECONDS_COMPILING, FILE_MEGABYTES)
    print(seen)
    assert sum(seen.outcomes.values()) == count
    assert seen.outcomes["plain, decoded"] == 0 < seen.outcomes["sealed, decoded"]
    assert seen.file_seconds["warm"] < SECONDS_WARM


def broken_by(decode, hang_seconds: float = 10.0) -> str:
    with pytest.raises(attack.Broken) as caught:
        attack.try_file(b"RJX", decode, hang_seconds)
    return str(caught.value)


def test_whatever_is_no_refusal_breaks_the_run():
    def crash(data):
        raise IndexError("beyond")

    def mumble(data):
        raise FormatError("no sentence")

    def hang(data):
        while True:
            pass

    assert "IndexError, beyond" in broken_by(crash)
    assert "refused without a sentence" in broken_by(mumble)
    assert broken_by(hang, 0.05) == f"no answer in 0.05 s: {b'RJX'.hex()}"


def test_other_pixels_than_were_declared_break_the_run(golden):
    with pytest.raises(attack.Broken, match="decoded to uint8"):
        attack.try_file(golden["orc"], lambda data: np.zeros((1, 8, 8), np.uint8), 10.0)


@pytest.mark.parametrize("count", [60, pytest.param(2000, marks=pytest.mark.slow)])
def test_mutated_files_in_floats_are_refused_or_decode_to_their_shape(digits, model, count):
    short = {"candidates": 16, "block_bits": 4.0}
    files = [
        lossless.compress(digits[:8], model, method=method, arithmetic="float", **options)
        for method, options in {"bb-ans": {}, "bb-ans-rec": short, "orc": short}.items()
    ]

    def decode(data: bytes) -> np.ndarray:
        return lossless.decompress(data, model=model, max_bytes=1 << 24, ignore_fingerprint=True)

    assert all(np.array_equal(decode(data), digits[:8]) for data in files)
    seen = attack.attack(mutated(files, count), decode, SECONDS_COMPILING, FILE_MEGABYTES)
    assert sum(seen.outcomes.values()) == count and seen.outcomes["plain, decoded"] == 0
    assert any("message does" in reason or "chain" in reason for reason in seen.reasons)


def test_a_file_that_takes_too_much_memory_breaks_the_run(golden):
    if memory.megabytes() is None:
        pytest.skip("this system does not tell of memory")

    def hoard(data):
        held = b"1" * (1 << 27)
        return lossless.decompress(data[: len(held)])

    with pytest.raises(attack.Broken, match="MB of memory"):
        attack.attack(iter([("plain", golden["orc"])]), hoard, file_megabytes=64.0)
