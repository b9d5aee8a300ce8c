"""FORMAT.md is true: images are decoded in plain Python, from the specification and the model's integers alone."""

import math
from decimal import Context, Decimal, localcontext
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from recjax import chunks, container, grid
from recjax.codecs.plan import make_plan
from recjax.codecs.settings import BlockSettings, settings_of
from recjax.coding.reference import ReferenceMessage
from recjax.models import likelihood_tables
from recjax.models import model as models

GOLDEN = Path(__file__).resolve().parent / "golden"
MASK = (1 << 32) - 1


def threefry(key, pair):
    """Salmon et al. 2011: 20 rounds, a key injection after every four."""
    rotations = ((13, 15, 26, 6), (17, 29, 16, 24))
    schedule = (*key, key[0] ^ key[1] ^ 0x1BD11BDA)
    x, y = (pair[0] + key[0]) & MASK, (pair[1] + key[1]) & MASK
    for group in range(5):
        for turn in rotations[group % 2]:
            x = (x + y) & MASK
            y = ((y << turn | y >> (32 - turn)) & MASK) ^ x
        x = (x + schedule[(group + 1) % 3]) & MASK
        y = (y + schedule[(group + 2) % 3] + group + 1) & MASK
    return x, y


def absorb(key, words, use):
    message = [use + len(words), *words]
    message += [0] * (len(message) % 2)
    for pair in zip(message[::2], message[1::2], strict=True):
        key = threefry(key, pair)
    return key


def word(stream, index, j):
    return threefry(stream, (index, j // 2))[j % 2]


def message_of(bits: str) -> ReferenceMessage:
    """The message that is the number 1 followed by these bits."""
    number, tail = int("1" + bits, 2), []
    while number >= 1 << 32:
        tail.append(number % 256)
        number >>= 8
    return ReferenceMessage([number], tail)


def pop_interval(message, starts):
    """One symbol, given the first value of each and 2^16 at the end."""
    return message.pop_symbols(list(starts))[0]


def pop_raw(message, count):
    if count > 16:
        upper = pop_raw(message, count - 16)
        return upper << 16 | pop_raw(message, 16)
    return pop_interval(message, range(0, (1 << 16) + 1, 1 << (16 - count)))


def pop_index(message, masses):
    chosen = pop_interval(message, np.concatenate([[0], np.cumsum(masses)]).tolist())
    if chosen == len(masses) - 1:
        return pop_raw(message, 32)
    extra = max((chosen + 1) // 4 - 1, 0)
    return ((chosen + 1 - 4 * extra) << extra) + pop_raw(message, extra)


def decode_image(bits: str, header, model) -> np.ndarray:
    plan = make_plan(model, settings_of(header, model))
    message, key = message_of(bits), (header.seed >> 32, header.seed & MASK)
    intervals = np.ones(plan.blocks.place.shape, int)
    if header.parameters["partition"]:
        intervals = plan.blocks.split(np.asarray(model.intervals, np.int64), 1)
    shape = intervals.shape
    k = np.zeros(shape, int)
    if header.parameters["partition"]:
        for place in np.ndindex(*shape):
            j = int(intervals[place])
            k[place] = pop_interval(message, [(i << 16) // j for i in range(j + 1)])
    indices = [pop_index(message, masses) for masses in plan.masses]
    words = np.zeros(shape, np.uint32)
    for block, index in enumerate(indices):
        path = k[block].tolist() if header.parameters["partition"] else []
        stream = absorb(absorb(key, [0, block], 0), [0, *path], 1 << 31)
        for d in range(shape[1]):
            u = word(stream, index, d) >> 8
            words[block, d] = ((int(k[block, d]) << 24) + u) // int(intervals[block, d])
    z = grid.value_fixed(plan.blocks.merge(words)[None])
    rows = np.asarray(model.likelihood.law(models.pixel_outputs(model, z)))[0]
    cdf = likelihood_tables.beta_binomial_rows(model.levels - 1)
    pixels = [pop_interval(message, cdf[row].tolist()) for row in rows]
    assert (message.heads, message.tail) == ([1], [])
    return np.array(pixels, np.uint8).reshape(header.image_shape)


def zeta_masses(divergences, intervals, candidates_log2):
    """Masses of the index code 0 of a block, from the text alone."""
    spared = 0
    if intervals is not None:
        spared = sum(min((j**1024).bit_length() - 1, d) for j, d in zip(intervals, divergences, strict=True))
    e = 1024 + sum(divergences) - spared
    length = min(max(e, 128), 1024 * candidates_log2) // 4
    firsts = list(range(1, 8))
    while firsts[-1] < 1 << candidates_log2:
        octave = firsts[-1].bit_length() - 1
        firsts.append(firsts[-1] + (1 << (octave - 2)))
    firsts = [n for n in firsts if n <= 1 << candidates_log2]
    with localcontext(Context(prec=30)):
        s = 1 + Decimal(256) / max(length, 1)
        weights = []
        for a, b in zip(firsts, [*firsts[1:], (1 << candidates_log2) + 1], strict=True):
            if a < 64 or b - a < 8:
                weights.append(sum(Decimal(n) ** -s for n in range(a, b)))
            else:
                u, v = Decimal(a) ** -s, Decimal(b) ** -s
                weights.append((a * u - b * v) / (s - 1) + (u - v) / 2 + s * (u / a - v / b) / 12)
        weights.append(Decimal(0))
    exact = [Fraction(weight) for weight in weights]
    shares = [weight * (2**16 - len(exact)) / sum(exact) for weight in exact]
    masses = [1 + math.floor(share) for share in shares]
    left = sorted(range(len(shares)), key=lambda i: (math.floor(shares[i]) - shares[i], i))
    for i in left[: 2**16 - sum(masses)]:
        masses[i] += 1
    return masses


@pytest.mark.parametrize("candidates_log2", [0, 2, 6, 16, 30])
@pytest.mark.parametrize("partition", [True, False])
def test_the_codes_of_indices_are_those_of_the_specification(partition, candidates_log2):
    model = models.load_model("digits")
    plan = make_plan(model, BlockSettings("pfr", partition, candidates_log2, 8 << 10))
    for block, masses in zip(plan.blocks.place, plan.masses, strict=True):
        latents = block[block >= 0]
        intervals = np.asarray(model.intervals)[latents].tolist() if partition else None
        stated = zeta_masses(np.asarray(model.kl_bits)[latents].tolist(), intervals, candidates_log2)
        assert masses.tolist() == stated


@pytest.mark.parametrize("name", ["pfr", "orc-plain"])
def test_the_specification_decodes_an_image(name):
    data = (GOLDEN / f"{name}.rjx").read_bytes()
    file, model = container.read(data), models.load_model("digits")
    messages = chunks.unpack_messages(file.chunk(0), file.header.count)
    payload = "".join(f"{byte:08b}" for byte in messages.payload)
    start, end = messages.starts_bits[2:4]
    decoded = decode_image(payload[start:end], file.header, model)
    np.testing.assert_array_equal(decoded, load_digits().images[2])


def test_the_permutation_is_that_of_the_specification():
    model = models.load_model("digits")
    stream = absorb((0, 0), [3], 1 << 31)
    order = sorted(range(model.latents), key=lambda i: word(stream, i, 0))
    header = container.read((GOLDEN / "orc-plain.rjx").read_bytes()).header
    place = make_plan(model, settings_of(header, model)).blocks.place
    assert place[place >= 0].tolist() == order
