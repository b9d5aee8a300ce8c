"""A long process: batches and pictures of many shapes share a few programs, and what programs hold is bounded."""

import os
import subprocess
import sys
from pathlib import Path

import jax
import numpy as np
import pytest

import recjax
from recjax import memory, rec, sizes
from recjax.codecs.lossy import compression as lossy
from recjax.codecs.lossy.encode import Effort

PRIOR = recjax.Normal(np.float32(0), np.float32(1))
KEY = recjax.key(1)


def targets(*shape: int) -> recjax.Normal:
    loc = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    return recjax.Normal(loc, np.full(shape, 0.5, np.float32))


def test_sizes_are_few_and_not_far():
    found = [sizes.padded(count) for count in range(1, 4097)]
    assert len(set(found)) < 40 and found == sorted(found)
    for count, size in enumerate(found, 1):
        assert count <= size <= (1.5 if count < 64 else 1.25) * count
        assert sizes.padded(size) == size


CODERS = {
    "bins": (rec.orc(num_candidates=64), [2, 3, 4], ()),
    "plain": (rec.pfr(max_candidates=64), None, ()),
    "scalar": (rec.dad_star(max_depth=4), None, ()),
    "swept": (rec.orc(num_candidates=128), None, (0,)),
}


@pytest.mark.parametrize("name", CODERS)
def test_batches_of_similar_numbers_of_rows_share_programs(name, count_compilations):
    algorithm, bins, axes = CODERS[name]
    bins = None if bins is None else np.array(bins)

    def there_and_back(*shape):
        found = rec.encode(algorithm, KEY, targets(*shape, 3), PRIOR, bins=bins, shared_axes=axes)
        decoded = rec.decode(algorithm, KEY, PRIOR, found.code, bins=bins, shared_axes=axes)
        assert decoded.shape == found.sample.shape == (*shape, 3)
        np.testing.assert_array_equal(decoded, found.sample)

    first, *others = [(33,), (41,), (48,)] if name == "swept" else [(34,), (2, 18), (3, 2, 6), (37,)]
    there_and_back(*first)
    for shape in others:
        assert count_compilations(lambda shape=shape: there_and_back(*shape)) == 0


@pytest.mark.parametrize("name", CODERS)
def test_padding_changes_no_result(name):
    """Within a traced function nothing is padded."""
    algorithm, bins, axes = CODERS[name]
    table = None if bins is None else rec.Bins(np.array(bins, np.uint32), 4)
    q = targets(35, 3)

    def encode(key, q):
        return rec.encode(algorithm, key, q, PRIOR, bins=table, shared_axes=axes)

    found, wanted = encode(KEY, q), jax.jit(encode)(KEY, q)
    for a, b in zip(
        jax.tree.leaves(found._replace(info=None)), jax.tree.leaves(wanted._replace(info=None)), strict=True
    ):
        assert a.shape == b.shape and a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(found.info.steps, wanted.info.steps)
    np.testing.assert_array_equal(found.info.status, wanted.info.status)


def test_files_of_similar_counts_share_programs(count_compilations):
    images = np.random.default_rng(0).integers(0, 17, (48, 8, 8), np.uint8)
    model = recjax.load_model("digits")

    def there_and_back(count, method, **options):
        data = recjax.compress(images[:count], model, method=method, **options)
        np.testing.assert_array_equal(recjax.decompress(data, model=model), images[:count])

    for method, counts, options in (
        ("bb-ans", (20, 30), {}),
        ("orc", (5, 7), {"candidates": 64, "block_bits": 6.0}),
    ):
        there_and_back(counts[0], method, **options)
        assert count_compilations(lambda: there_and_back(counts[1], method, **options)) == 0  # noqa: B023


def test_pictures_of_similar_sizes_share_programs(tiny_photo_model, count_compilations):
    model, _ = tiny_photo_model
    picture = np.random.default_rng(0).integers(0, 256, (1, 64, 64, 3), np.uint8)

    def there_and_back(height, width):
        data = lossy.compress(
            picture[:, :height, :width], model, effort=Effort(10, 0), candidates=64, block_bits=4.0, index_code="zeta"
        )
        assert recjax.decompress(data, model=model).shape == (1, height, width, 3)

    # 12, 9 and 10 patches of 8x8, with 4, 4 and 3 squares of 2x2.
    there_and_back(32, 24)
    assert count_compilations(lambda: there_and_back(20, 23)) == 0
    assert count_compilations(lambda: there_and_back(9, 37)) == 0


@pytest.fixture
def forgotten(monkeypatch):
    """How often programs were forgotten; nothing is."""
    times = []
    monkeypatch.setattr(jax, "clear_caches", lambda: times.append(1))
    monkeypatch.setattr(memory._Watch, "programs", 0)
    monkeypatch.setattr(memory._Watch, "unavoidable", 0)
    return times


def test_programs_are_forgotten_above_a_number_of_maps(forgotten, monkeypatch):
    held = [memory.MOST_MAPS]
    monkeypatch.setattr(memory, "maps", lambda: held[0])

    def after_compiling():
        for _ in range(16):
            memory._count(memory._COMPILED, 0.1)
        memory.bound()
        return len(forgotten)

    assert after_compiling() == 0
    held[0] += 1
    memory.bound()
    assert len(forgotten) == 0, "nothing was compiled since the last look"
    assert after_compiling() == 1
    # As many were left: more than twice that are needed for another time.
    assert after_compiling() == 1
    held[0] = 2 * held[0] + 1
    assert after_compiling() == 2


def test_what_is_compiled_is_counted(monkeypatch):
    monkeypatch.setattr(memory._Watch, "programs", 0)
    jax.jit(lambda x: x * 7 - 3)(np.zeros(11, np.float32))
    assert memory._Watch.programs == 1


def test_memory_is_bounded_where_people_call(tiny_model, monkeypatch):
    """Once for each call, and once more where a file is decoded by what any decoder calls."""
    called = []
    monkeypatch.setattr(memory, "bound", lambda: called.append(1))

    def counted(function, *arguments, **options):
        called.clear()
        result = function(*arguments, **options)
        return result, len(called)

    model, coder = recjax.load_model("digits"), CODERS["plain"][0]
    data, times = counted(recjax.compress, np.zeros((1, 8, 8), np.uint8), model)
    assert times == 2
    assert counted(recjax.decompress, data)[1] == 1
    lossy_model, pictures = tiny_model
    options = {"effort": Effort(10, 0), "candidates": 16, "block_bits": 3.0}
    data, times = counted(recjax.compress_lossy, pictures[:1], lossy_model, **options)
    assert times == 1
    assert counted(recjax.decompress, data, model=lossy_model)[1] == 1
    found, times = counted(rec.encode, coder, KEY, targets(34, 3), PRIOR)
    assert times == 1
    assert counted(rec.decode, coder, KEY, PRIOR, found.code)[1] == 1
    assert counted(rec.decode_words, coder, KEY, found.code, (34, 3))[1] == 1


def test_a_system_that_does_not_tell_of_maps_is_left_alone(forgotten, monkeypatch):
    monkeypatch.setattr(memory, "_MAPS", Path("/nowhere/maps"))
    monkeypatch.setattr(memory._Watch, "programs", 1 << 20)
    memory.bound()
    assert memory.maps() == 0 and not forgotten


@pytest.mark.slow
@pytest.mark.parametrize(("part", "shapes"), [("lossless", 300), ("searches", 300), ("lossy", 60)])
def test_a_long_process_stays_small(part, shapes):
    """In a process of its own, which says the most maps and bytes that it held."""
    environment = os.environ | {"JAX_COMPILATION_CACHE_DIR": str(jax.config.jax_compilation_cache_dir)}
    command = [sys.executable, "-m", "tests.compilation.long_process", part, str(shapes)]
    root = Path(__file__).resolve().parents[2]
    run = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    maps, kilobytes, _ = map(int, run.stdout.split()[-3:])
    assert maps < 15_000
    assert kilobytes < 2_500_000
