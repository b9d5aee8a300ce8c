"""Fixtures for all tests."""

import os
import tempfile
from pathlib import Path

import jax
import pytest

from experiments.fuzzing import mutations
from recjax import memory
from recjax.cli.process import compile_cache
from recjax.io import own_folder
from recjax.models.inr import model as inr_model
from tests.representations import GOLDEN, TINY_SHAPE, waves

_MANY_MAPS = 20_000


@pytest.fixture(scope="session", autouse=True)
def share_compilations(tmp_path_factory):
    """What one worker compiled in this run serves the others: most tests compile longer than they run."""
    base = tmp_path_factory.getbasetemp()
    folder = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    # Several runs share it, too, where its folder is named.
    compiled = Path(os.environ.get("RECJAX_TESTS_CACHE") or folder / "compiled")
    own_folder.make(compiled)
    jax.config.update("jax_compilation_cache_dir", str(compiled))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)
    with pytest.MonkeyPatch.context() as patch:
        # Command lines that tests start as processes of their own share it, and leave no trace in a home.
        patch.setenv(compile_cache.VARIABLE, str(compiled))
        patch.setenv(compile_cache.LIMIT_VARIABLE, str(1 << 50))
        yield


@pytest.fixture
def memory_path(tmp_path):
    """A folder in memory, where there is one: processes that are killed leave there what they leave on a disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(autouse=True)
def forget_compilations(monkeypatch):
    """Every compiled function holds some maps of memory, of which a process has 65,530 at most on Linux."""
    monkeypatch.setattr(memory, "MOST_MAPS", _MANY_MAPS)
    yield
    memory.bound()


@pytest.fixture
def count_compilations(monkeypatch):
    """Runs a function and returns how many times XLA compiled something meanwhile.

    Nothing is forgotten until the test ends, whatever the tests before it left in this process.
    """
    monkeypatch.setattr(memory, "bound", lambda: None)

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
    return mutations.seal


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
