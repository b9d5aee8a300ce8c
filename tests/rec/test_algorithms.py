"""What the coders that race candidates keep to, over partitions and chunk sizes; see test_laws.py for every coder."""

import functools
import subprocess
import sys
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recjax
from recjax import grid, rec
from recjax.distributions import renyi_infinity_bits
from recjax.rec import Status, engine

ROWS, DIM = 40, 3
KEY = 17
# A coding distribution that is not the standard normal.
P_LOC, P_SCALE = np.float32([0.3, -2.0, 10.0]), np.float32([1.0, 2.7, 0.1])
BINS = {"plain": None, "powers of two": [4, 8, 1], "odd": [3, 7, 5]}


class Case(NamedTuple):
    name: str
    sizes: dict
    bins: str = "plain"

    @property
    def algorithm(self) -> rec.RECAlgorithm:
        return rec.ALGORITHMS[self.name](**self.sizes)

    @property
    def intervals(self):
        return BINS[self.bins]

    def __str__(self) -> str:
        return f"{self.name}, {self.bins}, chunks of {self.sizes['chunk_size']}"


PFR, ORC = {"max_candidates": 1 << 14, "chunk_size": 32}, {"num_candidates": 200, "chunk_size": 32}
CASES = [
    Case("pfr", PFR),
    Case("pfr", PFR, "powers of two"),
    Case("pfr", PFR, "odd"),
    Case("orc", ORC),
    Case("orc", ORC, "powers of two"),
    Case("orc", ORC, "odd"),
]
# Powers of two and other numbers of intervals take the same way here.
every_case = pytest.mark.parametrize(
    "case",
    [pytest.param(case, marks=pytest.mark.slow if "powers" in str(case) else ()) for case in CASES],
    ids=str,
)


@functools.cache
def problem(seed: int = 0) -> tuple[recjax.Normal, recjax.Normal]:
    rng = np.random.default_rng(seed)
    mean = rng.uniform(-1.2, 1.2, (ROWS, DIM)).astype(np.float32)
    scale = rng.uniform(0.2, 0.85, (ROWS, DIM)).astype(np.float32)
    return recjax.Normal(P_LOC + P_SCALE * mean, P_SCALE * scale), recjax.Normal(P_LOC, P_SCALE)


def encode(case: Case, seed: int = 0, key: int = KEY) -> rec.Encoded:
    return rec.encode(case.algorithm, recjax.key(key), *problem(seed), bins=case.intervals)


def decode(case: Case, code: rec.Code, key: int = KEY) -> jax.Array:
    return rec.decode(case.algorithm, recjax.key(key), problem()[1], code, bins=case.intervals)


@functools.cache
def encoded(case_number: int) -> rec.Encoded:
    return encode(CASES[case_number])


def encoded_case(case: Case) -> rec.Encoded:
    return encoded(CASES.index(case))


@every_case
def test_info_says_how_the_search_went(case):
    enc = encoded_case(case)
    counts = np.ones(DIM) if case.intervals is None else np.asarray(case.intervals)
    assert (np.asarray(enc.info.status) == Status.OK).all()
    assert (np.asarray(enc.code.interval) < counts).all()
    assert (np.asarray(enc.code.index) >= 1).all() and (np.asarray(enc.code.index) <= enc.info.steps).all()
    assert np.allclose(enc.info.log2_bins, np.log2(counts).sum(), atol=1e-6)
    assert np.allclose(enc.info.log2_index, np.log2(enc.code.index), atol=1e-6)
    if case.name == "orc":
        assert (np.asarray(enc.info.steps) == 200).all()
    q, _ = problem()
    mean, scale = (q.loc - P_LOC) / P_SCALE, q.scale / P_SCALE
    z = np.asarray(grid.to_float(grid.value_fixed(enc.words)), np.float64)
    top = np.asarray(renyi_infinity_bits(q, problem()[1]) * np.log(2)).sum(axis=1)
    exact = (-np.log(scale) - 0.5 * ((z - mean) / scale) ** 2 + 0.5 * z**2).sum(axis=1)
    assert np.allclose(enc.info.log_ratio_nats, exact - top, rtol=1e-4, atol=1e-4)


@every_case
def test_a_word_lies_in_the_interval_it_is_coded_by(case):
    enc = encoded_case(case)
    counts = jnp.asarray(case.intervals or [1] * DIM, jnp.uint32)
    first, last = grid.interval_words(enc.code.interval, jnp.broadcast_to(counts, enc.words.shape))
    assert (np.asarray(first) <= enc.words).all() and (np.asarray(enc.words) <= last).all()


@pytest.mark.parametrize("chunk_size", [1, 7, 200])
def test_decoding_does_not_depend_on_the_chunk_size(chunk_size):
    for case in (CASES[2], CASES[5]):
        enc = encoded_case(case)
        other = case._replace(sizes={**case.sizes, "chunk_size": chunk_size})
        assert np.array_equal(decode(other, enc.code), enc.sample)


@pytest.mark.slow
@pytest.mark.parametrize("case", [CASES[2], CASES[5]], ids=str)
def test_encoding_hardly_depends_on_the_chunk_size(case):
    """Floats decide there, but only ties could go the other way."""
    large, small = encoded_case(case), encode(case._replace(sizes={**case.sizes, "chunk_size": 7}))
    assert (np.asarray(large.code.index) == np.asarray(small.code.index)).mean() > 0.9
    assert (np.asarray(large.words) == np.asarray(small.words)).all(axis=1).mean() > 0.9


def test_more_rows_than_lanes_of_very_different_lengths_give_the_codes_of_a_plain_loop(one_by_one):
    """Lanes are refilled as they finish: searches of 2 to thousands of steps, in no order."""
    case, rows = CASES[2], 15 * ROWS
    assert rows > 2 * engine.MAX_LANES
    rng = np.random.default_rng(9)
    scale = np.exp2(-0.3 - 5 * rng.uniform(size=(rows, 1)) ** 4 * np.ones(DIM)).astype(np.float32)
    mean = rng.uniform(-1, 1, (rows, DIM)).astype(np.float32)
    q, p = recjax.Normal(mean, scale), recjax.Normal(np.zeros(DIM, np.float32), np.ones(DIM, np.float32))
    enc = rec.encode(case.algorithm, recjax.key(KEY), q, p, bins=case.intervals)
    steps = np.asarray(enc.info.steps)
    assert steps.max() > 50 * np.median(steps) and np.asarray(enc.info.status).max() == Status.OK
    p_rows = jax.tree.map(lambda leaf: np.broadcast_to(leaf, (ROWS, DIM)), p)
    bins = rec.Bins(jnp.broadcast_to(jnp.asarray(case.intervals, jnp.uint32), (ROWS, DIM)), 8)
    differing = 0
    for start in range(0, rows, ROWS):
        part = slice(start, start + ROWS)
        targets = jax.tree.map(lambda leaf: leaf[part], q)  # noqa: B023
        (code, _, _), *_ = one_by_one(case.algorithm, recjax.key(KEY), range(rows)[part], targets, p_rows, bins)
        same = (np.asarray(code.index) == enc.code.index[part]) & (code.interval == enc.code.interval[part]).all(axis=1)
        differing += int((~np.asarray(same)).sum())
    # On another machine, one near-tie in floats may fall the other way.
    assert differing <= 1


def test_the_decoder_knows_key_code_and_bins_only():
    """Codes that no search made decode too, to words of the bin that they name, whatever the target was."""
    rng = np.random.default_rng(5)
    interval = rng.integers(0, [3, 7, 5], (ROWS, DIM))
    code = rec.Code(jnp.asarray(interval, jnp.uint32), jnp.asarray(rng.integers(1, 1 << 32, ROWS), jnp.uint32))
    samples = [jax.jit(lambda code, case=case: decode(case, code))(code) for case in CASES if case.bins == "odd"]
    assert all(np.array_equal(sample, samples[0]) for sample in samples)
    assert np.isfinite(samples[0]).all()


def test_decoding_without_jit_gives_the_same_bits():
    case = CASES[2]
    enc = encoded_case(case)
    with jax.disable_jit():
        assert np.array_equal(decode(case, enc.code), enc.sample)


def test_a_target_that_is_the_coding_distribution_takes_the_first_candidate():
    """The next arrival ends the search, and the index is 1."""
    _, p = problem()
    q = recjax.Normal(np.tile(P_LOC, (ROWS, 1)), np.tile(P_SCALE, (ROWS, 1)))
    enc = rec.encode(CASES[0].algorithm, recjax.key(KEY), q, p)
    assert (np.asarray(enc.code.index) == 1).all()
    assert (np.asarray(enc.info.steps) == 2).all()


TWO_DEVICES = """
import sys
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
import recjax
from recjax import rec
assert len(jax.devices()) == 2
saved = np.load(sys.argv[1])
name, sizes, bins = eval(sys.argv[2])
p, algorithm = recjax.Normal(saved["loc"], saved["scale"]), rec.ALGORITHMS[name](**sizes)
key = recjax.key(int(sys.argv[3]))
for mesh in (Mesh(jax.devices(), ("rows",)), jax.make_mesh((2,), ("rows",))):
    rows = NamedSharding(mesh, PartitionSpec("rows"))
    q = jax.device_put(recjax.Normal(saved["q_loc"], saved["q_scale"]), rows)
    enc = rec.encode(algorithm, key, q, p, bins=bins)
    assert np.array_equal(enc.code.interval, saved["interval"]) and np.array_equal(enc.code.index, saved["index"])
    code = jax.device_put(rec.Code(saved["interval"], saved["index"]), rows)
    sample = rec.decode(algorithm, key, p, code, bins=bins)
    assert np.array_equal(np.asarray(sample).view(np.uint32), saved["sample"].view(np.uint32))
print("same bits")
"""


def run_with_flags(program: str, flags: str, arrays: dict, tmp_path, monkeypatch, *arguments: str) -> None:
    np.savez(tmp_path / "saved.npz", **{name: np.asarray(array) for name, array in arrays.items()})
    monkeypatch.setenv("XLA_FLAGS", flags)
    command = [sys.executable, "-c", program, str(tmp_path / "saved.npz"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "same bits", done.stderr


def test_sharded_arrays_give_the_same_codes_and_samples(tmp_path, monkeypatch):
    case = CASES[4]
    q, p = problem()
    enc = encoded_case(case)
    arrays = {"q_loc": q.loc, "q_scale": q.scale, "loc": p.loc, "scale": p.scale}
    arrays |= {"interval": enc.code.interval, "index": enc.code.index, "sample": enc.sample}
    flags = "--xla_force_host_platform_device_count=2"
    table = repr((case.name, case.sizes, case.intervals))
    run_with_flags(TWO_DEVICES, flags, arrays, tmp_path, monkeypatch, table, str(KEY))
