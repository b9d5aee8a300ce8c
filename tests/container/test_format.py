"""FORMAT.md is true: images are decoded in plain Python, from the specification and the model's integers alone."""

import math
from decimal import Context, Decimal, localcontext
from fractions import Fraction

import numpy as np
import pytest
from sklearn.datasets import load_digits

from recjax import grid
from recjax.codecs.lossless.plan import make_plan
from recjax.codecs.lossless.settings import BlockSettings, ScalarSettings, settings_of
from recjax.coding.reference import ReferenceMessage
from recjax.conformance import check as conformance
from recjax.container import chunks
from recjax.container import file as container
from recjax.models.likelihoods import tables as likelihood_tables
from recjax.models.vae import evaluate as models

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


def pop_blocks(message, key, header, model) -> np.ndarray:
    """Words of the latents, sent in blocks."""
    plan = make_plan(model, settings_of(header, model))
    assert plan.blocks is not None
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
    return plan.blocks.merge(words)


def descend(key, latent, halves, choose):
    """The word at the end of a path: choose(depth, sample, first, size) is its branch at each node, None at its end."""
    key, branches = absorb(key, [0, latent], 0), [0, 0]
    first, size, deepest, depth = 0, 1 << 24, 24 if halves else 63, 0
    while True:
        stream = absorb(key, [0, *branches], 1 << 31)
        if halves:
            sample = first + (word(stream, depth, 0) >> (8 + depth))
        else:
            drawn = (word(stream, depth, 0) << 32) + word(stream, depth, 1)
            sample = first + (drawn * max(size, 1) >> 64)
        upper = choose(depth, sample, first, size) if depth < deepest else None
        if upper is None:
            return min(sample, (1 << 24) - 1)
        branches[depth // 32] |= upper << depth % 32
        depth += 1
        if halves:
            size //= 2
            first += upper * size
        else:
            first, size = (sample + 1, first + size - sample - 1) if upper else (first, sample - first)


def pop_paths(message, key, header, model) -> np.ndarray:
    """Words of the latents, sent one by one."""
    halves, words = header.method in ("ad-star", "dad-star"), []
    for latent, masses in enumerate(make_plan(model, settings_of(header, model)).masses):
        depth = min(pop_index(message, masses) - 1, 64)
        if header.parameters.get("branch_code"):

            def choose(level, sample, first, size, depth=depth):
                if level >= depth:
                    return None
                above = first + size - 1 - sample
                share = min(max((above << 16) // max(size - 1, 1), 1), (1 << 16) - 1) if size > 1 else 1 << 15
                return pop_interval(message, [0, (1 << 16) - share, 1 << 16])

        else:
            branches = pop_raw(message, min(depth, 32))
            branches |= pop_raw(message, max(depth - 32, 0)) << 32

            def choose(level, sample, first, size, depth=depth, branches=branches):
                return branches >> level & 1 if level < depth else None

        words.append(descend(key, latent, halves, choose))
    return np.array(words, np.uint32)


def decode_image(bits: str, header, model) -> np.ndarray:
    message, key = message_of(bits), (header.seed >> 32, header.seed & MASK)
    pop_latents = pop_blocks if header.method in ("pfr", "orc") else pop_paths
    z = grid.value_fixed(pop_latents(message, key, header, model)[None])
    rows = np.asarray(model.likelihood.distribution(models.pixel_outputs(model, z)))[0]
    cdf = likelihood_tables.beta_binomial_rows(model.levels - 1)
    pixels = [pop_interval(message, cdf[row].tolist()) for row in rows]
    assert (message.heads, message.tail) == ([1], [])
    return np.array(pixels, np.uint8).reshape(header.image_shape)


def first_indices(largest_log2):
    """The first index of each class."""
    firsts = list(range(1, 8))
    while firsts[-1] < 1 << largest_log2:
        octave = firsts[-1].bit_length() - 1
        firsts.append(firsts[-1] + (1 << (octave - 2)))
    return [n for n in firsts if n <= 1 << largest_log2]


def zeta_masses(divergences, intervals, candidates_log2):
    """Masses of the index code 0 of a block, from the text alone."""
    spared = 0
    if intervals is not None:
        spared = sum(min((j**1024).bit_length() - 1, d) for j, d in zip(intervals, divergences, strict=True))
    e = 1024 + sum(divergences) - spared
    return zeta_masses_of(min(max(e, 128), 1024 * candidates_log2) // 4, candidates_log2)


def zeta_masses_of(length, candidates_log2):
    firsts = first_indices(candidates_log2)
    with localcontext(Context(prec=30)):
        s = 1 + Decimal(256) / max(length, 1)
        weights = []
        for a, b in zip(firsts, [*firsts[1:], (1 << candidates_log2) + 1], strict=True):
            if a < 64 or b - a < 8:
                weights.append(sum(Decimal(n) ** -s for n in range(a, b)))
            else:
                u, v = Decimal(a) ** -s, Decimal(b) ** -s
                weights.append((a * u - b * v) / (s - 1) + (u - v) / 2 + s * (u / a - v / b) / 12)
    return quantised([*weights, Decimal(0)])


def quantised(weights):
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
    assert plan.blocks is not None
    for block, masses in zip(plan.blocks.place, plan.masses, strict=True):
        latents = block[block >= 0]
        intervals = np.asarray(model.intervals)[latents].tolist() if partition else None
        stated = zeta_masses(np.asarray(model.kl_bits)[latents].tolist(), intervals, candidates_log2)
        assert masses.tolist() == stated


@pytest.mark.parametrize("method, largest_log2", [("gprs", 6), ("ad-star", 5), ("dad-star", 4)])
def test_the_codes_of_depths_are_those_of_the_specification(method, largest_log2):
    model, max_depth = models.load_model("digits"), 9 if method == "dad-star" else 0
    firsts = first_indices(largest_log2)
    ends = [*firsts[1:], firsts[-1] + (1 << max(largest_log2 - 2, 0))]
    octaves = [first.bit_length() - 1 for first in firsts]
    lengths = [o + 2 * math.floor(math.log2(o + 1)) + 1 for o in octaves]
    delta = [Fraction(b - a, 2**length) for a, b, length in zip(firsts, ends, lengths, strict=True)]
    delta = quantised([*delta, Fraction(0)])
    for latent, divergence in enumerate(np.asarray(model.kl_bits).tolist()):
        length = max(((divergence + 1024) ** 1024).bit_length() - 1 - 10240, 128) // 4
        stated = (zeta_masses_of(length, largest_log2), None, delta)
        for code in (0, 2):
            plan = make_plan(model, ScalarSettings(method, code, max_depth=max_depth))
            assert plan.masses[latent].tolist() == stated[code]


@pytest.mark.parametrize(
    "name", ["pfr", "orc-plain", "as-star", "dad-star", pytest.param("gprs", marks=pytest.mark.slow)]
)
def test_the_specification_decodes_an_image(name):
    data = (conformance.FOLDER / f"digits-{name}.rjx").read_bytes()
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
    header = container.read((conformance.FOLDER / "digits-orc-plain.rjx").read_bytes()).header
    blocks = make_plan(model, settings_of(header, model)).blocks
    assert blocks is not None
    place = blocks.place
    assert place[place >= 0].tolist() == order
