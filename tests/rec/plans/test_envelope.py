"""Bytes of codes: what is written is read, and what does not fit is an error, never another sample."""

import functools
import inspect
import subprocess
import sys
import zlib

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import recjax
from recjax import rec
from recjax.errors import FormatError
from recjax.rec import plan_header
from tests.rec.plans.test_planning import channel

KEY, P = recjax.key(9), recjax.Normal(0.0, 1.0)
KL = np.array([0.5, 2.0, 1.1])
NAMES = sorted(rec.ALGORITHMS)


@functools.cache
def plan_of(name: str, shared_axes=()) -> rec.Plan:
    return rec.plan(KL, algorithm=name, block_bits=2.2, max_bias=0.3, shared_axes=shared_axes)


def random_code(plan: rec.Plan, batch: tuple[int, ...], seed: int):
    """Codes that the plan can send, each with every legal value as likely as the others."""
    rng = np.random.default_rng(seed)
    shape, largest = (*batch, *plan.shape), plan.algorithm.largest
    if plan.algorithm.sends is rec.Path:
        depth = rng.integers(0, largest + 1, shape)
        words = rng.integers(0, 1 << 32, (*shape, 2)) % (1 << np.clip(depth[..., None] - [0, 32], 0, 32))
        return rec.Path(depth.astype(np.uint32), words.astype(np.uint32))
    index = rng.integers(1, largest + 1, shape if plan.algorithm.scalar else shape[:-1])
    counts = 1 if plan.bins is None else plan.bins.intervals
    return rec.Code(rng.integers(0, np.broadcast_to(counts, shape)).astype(np.uint32), index.astype(np.uint32))


def same(one, other) -> bool:
    return type(one) is type(other) and all(
        a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b)
        for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other), strict=True)
    )


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.integers(0, 4), max_size=2), st.integers(0, 1 << 32), st.integers(0, (1 << 64) - 1))
@settings(max_examples=10, deadline=None)
def test_what_is_written_is_read(name, batch, seed, own_seed):
    plan, key = plan_of(name), recjax.key(own_seed)
    code = random_code(plan, tuple(batch), seed)
    data = rec.to_bytes(plan, key, code)
    received = rec.from_bytes(data, key)
    assert same(received.code, code)
    assert rec.to_bytes(received.plan, key, received.code) == data
    assert received.plan.algorithm.make.keywords == plan.algorithm.make.keywords
    assert same(jax.tree.leaves(received.plan)[:-2], jax.tree.leaves(plan)[:-2])


@pytest.mark.parametrize("name", NAMES)
def test_samples_come_back_bit_for_bit(name):
    plan = plan_of(name, shared_axes=(1,))
    q = jax.tree.map(lambda leaf: leaf.reshape(2, 3, 3), channel(KL, 6))
    made = rec.encode(plan, KEY, q, P)
    received, code = rec.from_bytes(rec.to_bytes(plan, KEY, made.code), KEY, plan=plan)
    assert received.shared_axes == (1,)
    assert np.array_equal(rec.decode(received, KEY, P, code), made.sample)


def test_batches_of_many_rows_are_cut_into_parts():
    plan = plan_of("orc")
    code = random_code(plan, (300,), 0)
    assert same(rec.from_bytes(rec.to_bytes(plan, KEY, code), KEY).code, code)


GOLDEN = {
    "orc": ("524a43010144236070036f726303900390038001010201030202000201010101020499038002302710d434197167003e2c8dae"),
    "mrc": ("524a43010144236070036d72630290039003010201030202000201010099058006cf048f005e288900a490"),
    "ad_star": (
        "524a430101442360700761645f7374617203308001801001020103000095019503910271140eb8af2812555aedc23cf4d5a1b2"
    ),
    "gprs_global": (
        "524a430101442360700b677072735f676c6f62616c028001800101020103000080038006990400021180157390e0e0d834f087"
    ),
    "grc": ("524a4301014423607003677263020d73616d706c657e01020103000095019503910271140eb8c12f380d5b3b635cfeed5dff"),
}
SIZES = {
    "orc": {"num_candidates": 200},
    "mrc": {"num_candidates": 200},
    "ad_star": {},
    "gprs_global": {"max_candidates": 64},
    "grc": {"split": "sample"},
}


@pytest.mark.parametrize("name", GOLDEN)
def test_bytes_keep_their_meaning(name):
    """In both directions, as integers decide alone: of codes at the ends of what can be sent, and some within."""
    plan = rec.plan(KL, algorithm=rec.ALGORITHMS[name](**SIZES[name]), block_bits=2.2, shared_axes=(0,))
    if plan.algorithm.sends is rec.Path:
        branches = np.uint32([[[0, 0], [1, 0], [0xABCDEF, 0]], [[2, 0], [0, 0], [0x123, 0]]])
        code = rec.Path(np.uint32([[0, 1, 24], [2, 0, 9]]), branches)
    elif plan.algorithm.scalar:
        code = rec.Code(np.zeros((2, 3), np.uint32), np.uint32([[1, 2, 64], [9, 1, 33]]))
    else:
        counts = 1 if plan.bins is None else plan.bins.intervals
        code = rec.Code(
            np.uint32([counts * np.ones(plan.shape) - 1, np.zeros(plan.shape)]), np.uint32([[1, 200], [17, 3]])
        )
    data = rec.to_bytes(plan, KEY, code)
    assert data.hex() == GOLDEN[name]
    assert same(rec.from_bytes(bytes.fromhex(GOLDEN[name]), KEY).code, code)


@functools.cache
def some_bytes(name: str) -> bytes:
    plan = plan_of(name)
    return rec.to_bytes(plan, KEY, random_code(plan, (3,), 1))


def test_another_key_is_an_error():
    for seed in (0, 8, 1 << 32 | 9):
        with pytest.raises(FormatError, match="made with another key; give the key of the encoder"):
            rec.from_bytes(some_bytes("orc"), recjax.key(seed))


def test_the_key_is_not_in_the_bytes():
    key = recjax.key(0xC0FFEE00FACADE55)
    plan = plan_of("orc")
    data = rec.to_bytes(plan, key, random_code(plan, (1,), 0))
    for word in np.asarray(key):
        for order in "<>":
            assert word.astype(f"{order}u4").tobytes() not in data


@pytest.mark.parametrize(
    "other",
    [
        lambda: plan_of("pfr"),
        lambda: rec.plan(KL, algorithm=rec.orc(num_candidates=3), block_bits=2.2),
        lambda: rec.plan(KL + 0.5, block_bits=2.2, max_bias=0.3),
        lambda: plan_of("orc", shared_axes=(0,)),
    ],
    ids=["coder", "candidates", "divergences", "streams"],
)
def test_another_plan_is_an_error(other):
    with pytest.raises(FormatError, match="made with another plan, of orc for 3 latents"):
        rec.from_bytes(some_bytes("orc"), KEY, plan=other())


def test_an_unknown_coder_is_an_error(monkeypatch):
    data = some_bytes("orc")
    monkeypatch.delitem(rec.ALGORITHMS, "orc")
    with pytest.raises(FormatError, match=r"are of 'orc', which is not in rec\.ALGORITHMS here"):
        rec.from_bytes(data, KEY)
    plan = plan_of("orc")
    with pytest.raises(ValueError, match=r"name an algorithm of rec\.ALGORITHMS, got 'orc'"):
        rec.to_bytes(plan, KEY, random_code(plan, (1,), 0))


def test_codes_that_no_encoder_makes_are_not_written():
    plan = plan_of("orc")
    code = random_code(plan, (2,), 0)
    with pytest.raises(ValueError, match="decode with the algorithm that encoded"):
        rec.to_bytes(plan, KEY, code._replace(index=code.index * 0))
    with pytest.raises(ValueError, match="give the code that encode returned"):
        rec.to_bytes(plan, KEY, jax.tree.map(lambda leaf: leaf[:, :1], code))
    with pytest.raises(ValueError, match="a key is two uint32 words"):
        rec.to_bytes(plan, 5, code)
    with pytest.raises(ValueError, match=r"written with a plan, got RECAlgorithm; make one with rec\.plan"):
        inspect.unwrap(rec.to_bytes)(plan.algorithm, KEY, code)  # without the type checks of tests, as users call it


def test_huge_batches_are_refused_before_memory_is_taken():
    plan = plan_of("orc")
    data = rec.to_bytes(plan, KEY, random_code(plan, (4, 4), 0))
    with pytest.raises(FormatError, match="raise max_samples"):
        rec.from_bytes(data, KEY, max_samples=20)


def test_later_versions_and_other_files_are_named():
    data = some_bytes("orc")
    for place in (3, 4):
        with pytest.raises(FormatError, match="upgrade recjax"):
            rec.from_bytes(data[:place] + b"\x02" + data[place + 1 :], KEY)
    with pytest.raises(FormatError, match="do not begin with RJC"):
        rec.from_bytes(b"RJX" + data[3:], KEY)


@pytest.mark.parametrize("name", ["orc", "as_star", "mrc"])
def test_damaged_bytes_are_an_error(name):
    """Cut anywhere, longer, or with any byte changed."""
    data, rng = some_bytes(name), np.random.default_rng(3)
    broken = [data[:size] for size in range(len(data))] + [data + b"\x00"]
    for place in range(len(data)):
        broken.append(data[:place] + bytes([data[place] ^ int(rng.integers(1, 256))]) + data[place + 1 :])
    for one in broken:
        with pytest.raises(ValueError, match=r"[;:] "):
            rec.from_bytes(one, KEY)


def sealed(data: bytes) -> bytes:
    return data + zlib.crc32(data).to_bytes(4, "little")


@pytest.mark.parametrize("name", NAMES)
@given(st.lists(st.tuples(st.integers(0, 1 << 16), st.integers(1, 255)), min_size=1, max_size=3), st.integers(-2, 2))
@settings(max_examples=40, deadline=None)
def test_bytes_of_an_adversary_are_an_error_or_codes(name, changes, longer):
    """With a right checksum, whatever is read can be written and decoded; and nothing but a ValueError is raised."""
    data = bytearray(some_bytes(name)[:-4])
    for place, change in changes:
        data[9 + place % (len(data) - 9)] ^= change
    data = bytes(data[: len(data) + longer] if longer < 0 else data + bytes(longer))
    try:
        received, code = rec.from_bytes(sealed(data), KEY, max_samples=1 << 12)
    except ValueError as error:
        assert str(error).rstrip(".") and "\n" not in str(error)
        return
    assert same(rec.from_bytes(rec.to_bytes(received, KEY, code), KEY).code, code)


def test_another_process_decodes(tmp_path):
    plan = plan_of("orc")
    made = rec.encode(plan, KEY, channel(KL, 4), P)
    (tmp_path / "codes.rec").write_bytes(rec.to_bytes(plan, KEY, made.code))
    script = """
import sys, numpy, recjax
from recjax import rec
plan, code = rec.from_bytes(open(sys.argv[1], "rb").read(), recjax.key(9))
numpy.save(sys.argv[2], rec.decode(plan, recjax.key(9), recjax.Normal(0.0, 1.0), code))
"""
    subprocess.run([sys.executable, "-c", script, tmp_path / "codes.rec", tmp_path / "sample.npy"], check=True)
    assert np.array_equal(np.load(tmp_path / "sample.npy"), made.sample)


def test_messages_of_another_plan_are_an_error():
    """With a right checksum, and a header of another code of indices: a message must end where its codes do."""
    plan, other = plan_of("orc"), rec.plan(2 * KL, block_bits=4.4, candidates=plan_of("orc").candidates)
    code = random_code(plan, (5,), 2)
    heads = [plan_header.write(one, (5,)) for one in (plan, other)]
    data = rec.to_bytes(plan, KEY, code)[:-4]
    assert data[9:].startswith(heads[0])
    with pytest.raises(FormatError, match=r"does not end where its codes do|longer than any of its plan"):
        rec.from_bytes(sealed(data[:9] + heads[1] + data[9 + len(heads[0]) :]), KEY)
