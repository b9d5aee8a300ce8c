"""Hostile files: each is refused with FormatError or, if its checksums are right, may decode to the declared shape."""

import resource
import time
from collections import Counter

import jax
import numpy as np

from recjax import chunks, container
from recjax.codecs import lossless
from recjax.errors import FormatError

SECONDS_WARM = 2.0
SECONDS_COMPILING = 30.0
MEMORY_BYTES = 1 << 30


def flip_bits(rng, data, other):
    bad = bytearray(data)
    for bit in rng.integers(0, 8 * len(data), rng.integers(1, 5)):
        bad[bit // 8] ^= 1 << bit % 8
    return bytes(bad)


def truncate(rng, data, other):
    return data[: rng.integers(0, len(data))]


def splice(rng, data, other):
    """A stretch of other bytes in the place of one of these, of the same length or not."""
    start, stop = np.sort(rng.integers(0, len(data), 2))
    first = rng.integers(0, len(other))
    length = stop - start if rng.random() < 0.5 else rng.integers(0, 20)
    return data[:start] + other[first : first + length] + data[stop:]


def mutate(rng, data, other):
    return (flip_bits, truncate, splice)[rng.integers(0, 3)](rng, data, other)


def mutate_and_seal(rng, data, other, reseal):
    """A file whose sizes and checksums are right, with another header or another body in one of its chunks."""
    file = container.read(data)
    if rng.random() < 0.2:
        bad = bytearray(data)
        # The second half is behind the model's digest, which would end it all.
        for bit in rng.integers(4 * len(file.head), 8 * len(file.head), rng.integers(1, 3)):
            bad[bit // 8] ^= 1 << bit % 8
        return reseal(bytes(bad))
    bodies = [file.chunk(number) for number in range(file.header.num_chunks)]
    number = rng.integers(0, len(bodies))
    bodies[number] = mutate(rng, bodies[number], other[container.read(other).offsets[0] :])
    return container.write(file.header, bodies)


def many_chunks(golden: bytes) -> bytes:
    """The golden file again, in chunks of three images."""
    file = container.read(golden)
    messages = chunks.unpack_messages(file.chunk(0), 8)
    bodies = [chunks.pack_messages(*messages.part(start, min(start + 3, 8))) for start in (0, 3, 6)]
    parameters = {**file.header.parameters, "chunk_images": 3}
    return container.write(container.Header(**{**vars(file.header), "parameters": parameters}), bodies)


def attack(files, model, reseal, count, seed):
    """Mutate files and decode them; outcomes, the longest times (warm, with compilation), compilations and memory."""
    rng = np.random.default_rng(seed)
    outcomes, slowest, compiled = Counter(), [0.0, 0.0], []
    peak_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10

    def listen(name, *_, **__):
        if name == "/jax/core/compile/backend_compile_duration":
            compiled.append(name)

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        for number in range(count):
            data, other = (files[k] for k in rng.integers(0, len(files), 2))
            sealed = number % 2 == 1
            bad = mutate_and_seal(rng, data, other, reseal) if sealed else mutate(rng, data, other)
            before, start = len(compiled), time.perf_counter()
            try:
                images = lossless.decompress(bad, model=model, max_bytes=1 << 24)
            except FormatError as error:
                assert str(error).endswith(".") and "\n" not in str(error)
                outcome = "refused"
            else:
                header = container.read(bad).header
                assert images.dtype == np.uint8 and images.shape == (header.count, *header.image_shape)
                outcome = "unchanged" if bad == data else "decoded"
            seconds = time.perf_counter() - start
            kind = int(len(compiled) > before)
            slowest[kind] = max(slowest[kind], seconds)
            assert seconds < (SECONDS_WARM, SECONDS_COMPILING)[kind], (number, bad.hex())
            outcomes["sealed" if sealed else "plain", outcome] += 1
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10) - peak_bytes
    return outcomes, slowest, len(compiled), grown_bytes


def test_mutated_files_are_refused_or_decode_to_their_shape(some_golden, golden, model, digits, reseal):
    count = 20_000 if len(some_golden) == len(golden) else 600
    raw, chunked = chunks.write_raw(digits[:2]), [many_chunks(golden[name]) for name in ("orc", "pfr-plain")]
    files = [*some_golden.values(), *chunked, raw]
    for data in files:
        lossless.decompress(data, model=model)
    outcomes, slowest, compiled, grown_bytes = attack(files, model, reseal, count, seed=count)
    print(
        f"{dict(outcomes)}; at most {slowest[0]:.3f} s warm and {slowest[1]:.1f} s with compilation; "
        f"{compiled} compilations, {grown_bytes >> 20} MiB more"
    )
    assert outcomes["plain", "decoded"] == 0
    assert grown_bytes < MEMORY_BYTES
