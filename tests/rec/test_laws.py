"""What every relative entropy coder keeps to, checked through its face alone. The rows are in `cases.py`."""

import functools
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import recjax
from recjax import grid, rec
from recjax.coding import rans
from recjax.coding.integers import zeta_masses
from recjax.rec import Status
from tests.rec.cases import CASES, DIM, P_LOC, P_SCALE, ROWS, Case, random_code, targets

KEY = 17
every_case = pytest.mark.parametrize("case", CASES, ids=str)
# A test that compiles each search once more is quick for one coder of a kind only.
one_of_a_kind = pytest.mark.parametrize(
    "case",
    [
        case
        if str(case) in ("pfr 16384 32 in bins", "as_star", "ad_star")
        else pytest.param(case, marks=pytest.mark.slow)
        for case in CASES
    ],
    ids=str,
)


def encode(case: Case, seed: int = 0, key: int = KEY) -> rec.Encoded:
    return rec.encode(case.algorithm, recjax.key(key), *targets(seed), bins=case.bins)


def decode(case: Case, code, key: int = KEY) -> jax.Array:
    return rec.decode(case.algorithm, recjax.key(key), targets()[1], code, bins=case.bins)


@functools.cache
def _encoded(number: int) -> rec.Encoded:
    return encode(CASES[number])


def encoded(case: Case) -> rec.Encoded:
    return _encoded(CASES.index(case))


def assert_same(one, other) -> None:
    for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True):
        assert np.array_equal(a, b)


@every_case
def test_decode_returns_the_encoded_sample(case):
    enc = encoded(case)
    assert enc.sample.shape == enc.words.shape == (ROWS, DIM) and enc.sample.dtype == jnp.float32
    assert np.array_equal(decode(case, enc.code), enc.sample)
    assert np.array_equal(
        enc.sample, grid.affine(grid.value_fixed(enc.words), jnp.asarray(P_LOC), jnp.asarray(P_SCALE))
    )


@every_case
def test_info_says_how_the_search_went(case):
    info = encoded(case).info
    expected = (ROWS, DIM) if case.algorithm.scalar else (ROWS,)
    assert all(leaf.shape == expected for leaf in info)
    assert (np.asarray(info.status) == Status.OK).all()
    assert (np.asarray(info.steps) >= 1).all() and (np.asarray(info.log_ratio_nats) < 1e-4).all()
    assert (np.asarray(info.log2_index) >= 0).all()


@one_of_a_kind
def test_the_engine_gives_the_codes_of_a_plain_loop_and_a_finished_step_changes_nothing(case, one_by_one):
    q, p = targets()
    every_row = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (ROWS, DIM)), p)
    bins = None
    if case.bins is not None:
        bins = rec.Bins(jnp.broadcast_to(jnp.asarray(case.bins, jnp.uint32), (ROWS, DIM)), 8)
    rows = ROWS
    if case.algorithm.scalar:
        rows = ROWS * DIM
        q, every_row = jax.tree.map(lambda leaf: leaf.reshape(rows, 1), (q, every_row))
    (code, words, info), done, after = one_by_one(case.algorithm, recjax.key(KEY), range(rows), q, every_row, bins)
    enc = encoded(case)
    assert np.array_equal(words.reshape(ROWS, DIM), enc.words)
    assert np.array_equal(np.ravel(info.steps), np.ravel(enc.info.steps))
    for one, other in zip(jax.tree.leaves(code), jax.tree.leaves(enc.code), strict=True):
        assert np.array_equal(np.ravel(one), np.ravel(other))
    assert_same(done, after)


@every_case
def test_a_second_call_compiles_nothing(case, count_compilations):
    def call(seed):
        enc = encode(case, seed=seed, key=KEY + seed)
        return enc, decode(case, enc.code, key=KEY + seed)

    call(0)
    targets(1)
    assert count_compilations(lambda: call(1)) == 0


@every_case
def test_any_code_decodes_to_words_whatever_sent_it(case):
    code = random_code(case, encoded(case).code)
    # Under jit, where nothing is refused, as in the decoders of files.
    sample = np.asarray(jax.jit(lambda code: decode(case, code))(code))
    assert sample.shape == (ROWS, DIM) and np.isfinite(sample).all()
    assert (np.abs(sample - P_LOC) < 5.6 * P_SCALE).all()


@every_case
def test_another_key_or_another_row_decodes_to_another_sample(case):
    enc = encoded(case)
    assert np.isclose(decode(case, enc.code, key=KEY + 1), enc.sample).mean() < 0.05
    shifted = jax.tree.map(lambda leaf: jnp.roll(leaf, 1, axis=0), enc.code)
    assert np.isclose(decode(case, shifted), np.roll(enc.sample, 1, axis=0)).mean() < 0.05


@every_case
def test_images_that_share_streams_decode_alone(case):
    algorithm, (q, p) = case.algorithm, targets()
    enc = rec.encode(algorithm, recjax.key(KEY), q, p, bins=case.bins, shared_axes=(0,))
    code = jax.tree.map(lambda leaf: leaf[5:6], enc.code)
    alone = rec.decode(algorithm, recjax.key(KEY), p, code, bins=case.bins, shared_axes=(0,))
    assert np.array_equal(alone[0], enc.sample[5])


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if case.name.startswith("g") else ())
        for case in CASES
        if case.short is not None
    ],
    ids=str,
)
def test_a_budget_that_runs_out_is_told_and_decodes(case):
    short = case._replace(sizes=case.short)
    q, p = targets(narrower=1e-3)
    enc = rec.encode(short.algorithm, recjax.key(KEY), q, p, bins=case.bins)
    assert (np.asarray(enc.info.status) == Status.BUDGET).mean() > 0.9
    assert np.array_equal(decode(short, enc.code), enc.sample)


@every_case
def test_targets_that_are_no_distributions_are_told_and_decode(case):
    """Of each bad target only that row is INVALID, and nothing is NaN. (The compiled search of another test serves.)"""
    q, p = targets()
    loc, scale = np.array(q.loc), np.array(q.scale)
    loc[0, 0], loc[1, 1], scale[2, 2], scale[3, 0], scale[4, 1], scale[5, 2] = np.nan, -np.inf, np.nan, 0, -1, np.inf
    enc = rec.encode(case.algorithm, recjax.key(KEY), recjax.Normal(loc, scale), p, bins=case.bins)
    status = np.asarray(enc.info.status).reshape(ROWS, -1).max(axis=1)
    assert status.tolist() == [Status.INVALID] * 6 + [Status.OK] * (ROWS - 6)
    assert all(np.isfinite(np.asarray(leaf)).all() for leaf in (enc.sample, enc.info.log_ratio_nats))
    assert np.array_equal(decode(case, enc.code), enc.sample)
    assert np.array_equal(enc.words[6:], encoded(case).words[6:])


@every_case
def test_targets_at_the_ugly_ends_are_coded_without_nan(case):
    """Narrower than a cell, 30 deviations out, as wide as the coding distribution, and wider: decoded, never NaN."""
    ends = [(0.4, 1e-9), (-5.0, 1e-3), (30.0, 0.9), (-30.0, 2.0), (0.0, 1.0), (0.0, 2.0), (1e30, 1e-30), (0.0, 1e30)]
    mean, scale = np.float32(ends * (ROWS // len(ends))).T[:, :, None]
    q = recjax.Normal(P_LOC + P_SCALE * mean, P_SCALE * scale)
    enc = rec.encode(case.algorithm, recjax.key(KEY), q, targets()[1], bins=case.bins)
    assert (np.asarray(enc.info.status) != Status.INVALID).all()
    assert all(np.isfinite(np.asarray(leaf, np.float64)).all() for leaf in jax.tree.leaves(enc))
    assert np.array_equal(decode(case, enc.code), enc.sample)


@every_case
def test_codes_travel_through_a_message(case):
    """As the codecs send them: blocks in front, messages behind, here one for each row."""
    enc = encoded(case)
    algorithm = case.algorithm
    code, blocks = jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1)[..., None], enc.code), 1
    bins = None
    if algorithm.scalar:
        blocks = DIM
    else:
        code = jax.tree.map(lambda leaf: leaf[None], code)
        bins = None if case.bins is None else rec.Bins(jnp.asarray([case.bins], jnp.uint32), 8)
    masses = np.stack([zeta_masses(3 * 256, 14)] * blocks)
    codec = algorithm.code_codec(masses, bins, 1 if algorithm.scalar else DIM)
    message = rans.empty((ROWS,), 1, 64)
    pushed = jax.jit(codec.push)(message, code)
    after, popped = jax.jit(codec.pop)(pushed)
    assert not np.asarray(pushed.fault).any() and (np.asarray(pushed.head) > 1).all()
    assert_same(popped, code)
    assert_same((after.head, after.size), (message.head, message.size))


OTHER_PROCESS = """
import sys
import numpy as np
import jax
import recjax
from recjax import rec
from tests.rec.cases import CASES, targets
saved = np.load(sys.argv[1])
for number, case in enumerate(CASES):
    kind = rec.Path if f"{number}.depth" in saved else rec.Code
    code = kind(*(saved[f"{number}.{field}"] for field in kind._fields))
    sample = rec.decode(case.algorithm, recjax.key(int(sys.argv[2])), targets()[1], code, bins=case.bins)
    assert np.array_equal(np.asarray(sample).view(np.uint32), saved[f"{number}.sample"].view(np.uint32)), str(case)
print("same bits")
"""


def test_another_process_with_other_instructions_decodes_the_same_bits(tmp_path, monkeypatch):
    saved = {}
    for number, case in enumerate(CASES):
        enc = encoded(case)
        saved |= {f"{number}.{field}": np.asarray(leaf) for field, leaf in enc.code._asdict().items()}
        saved[f"{number}.sample"] = np.asarray(enc.sample)
    np.savez(tmp_path / "saved.npz", **saved)
    monkeypatch.setenv("XLA_FLAGS", "--xla_cpu_max_isa=SSE4_2")
    command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path / "saved.npz"), str(KEY)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.stdout.strip() == "same bits", done.stderr


def test_every_algorithm_has_a_row():
    assert {case.name for case in CASES} == set(rec.ALGORITHMS)
    assert [case.algorithm.name for case in CASES] == [case.name for case in CASES]
