"""Fixtures for all tests."""

import os
import struct
import zlib
from pathlib import Path

import jax
import pytest

from recjax import compile_cache, container
from recjax.models import inr_model
from tests.representations import GOLDEN, TINY_SHAPE, waves

_MANY_MAPPINGS = 30_000


@pytest.fixture(scope="session", autouse=True)
def share_compilations(tmp_path_factory):
    """What one worker compiled in this run serves the others: most tests compile longer than they run."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    jax.config.update("jax_compilation_cache_dir", str(folder / "compiled"))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    with pytest.MonkeyPatch.context() as patch:
        # Command lines that tests start as processes of their own share it, and leave no trace in a home.
        patch.setenv(compile_cache.VARIABLE, str(folder / "compiled"))
        yield


@pytest.fixture(scope="module", autouse=True)
def forget_compilations():
    """Every compiled function holds some mappings of memory, of which a process has 65,530 at most on Linux."""
    yield
    mappings = Path("/proc/self/maps")
    if mappings.exists() and len(mappings.read_bytes().splitlines()) > _MANY_MAPPINGS:
        jax.clear_caches()


@pytest.fixture
def count_compilations():
    """Runs a function and returns how many times XLA compiled something meanwhile."""

    def count(function) -> int:
        compiled = []

        def listen(name, *_, **__):
            if name == "/jax/core/compile/backend_compile_duration":
                compiled.append(name)

        jax.monitoring.register_event_duration_secs_listener(listen)
        try:
            jax.block_until_ready(function())
        finally:
            jax.monitoring.unregister_event_duration_listener(listen)
        return len(compiled)

    return count


@pytest.fixture(scope="session")
def reseal():
    """Gives a file the right checksums for whatever its header says; a header that cannot be read stays as it is."""

    def seal(data: bytes) -> bytes:
        position, method = 5, data[4] & 15
        position += 8 if method else 0

        def take() -> int:
            nonlocal position
            start = position
            while data[position] & 0x80:
                position += 1
            position += 1
            return sum((byte & 0x7F) << 7 * k for k, byte in enumerate(data[start:position]))

        try:
            for _ in range(take()):
                take()
            count, _ = take(), take()
            values = {name: take() for name in container.METHODS[list(container.METHODS)[method]]}
            num_chunks = max(-(-count // max(values.get("chunk_images", count), 1)), 1)
            sizes = [take() for _ in range(min(num_chunks, len(data)))]
        except IndexError:
            return data
        head, sealed = data[:position], data[:position]
        for number, size in enumerate(sizes):
            body = data[position : position + size]
            sealed += body + struct.pack("<I", zlib.crc32(head + struct.pack("<I", number) + body))
            position += size + 4
        return sealed + data[position:]

    return seal


@pytest.fixture(scope="session")
def tiny_shape():
    """Sizes of a representation that compiles and trains at once: patches of 8x8."""
    return TINY_SHAPE


@pytest.fixture(scope="session")
def tiny_model():
    """A model of single patches, and pictures like those that it was trained on."""
    return inr_model.load_model(GOLDEN / "tiny.safetensors"), waves(24, 8)


@pytest.fixture(scope="session")
def tiny_photo_model():
    """A model of two levels, and its pictures of 2x2 patches."""
    return inr_model.load_model(GOLDEN / "tiny-photo.safetensors"), waves(6, 16)
