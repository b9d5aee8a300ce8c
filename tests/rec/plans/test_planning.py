"""Plans keep what they promise: codelengths and biases of searches on the channel that they assume."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

import recjax
from recjax import rec
from recjax.coding import integers
from recjax.rec import bias

P, KEY = recjax.Normal(0.0, 1.0), recjax.key(5)
KL = np.array([0.3, 2.0, 0.0, 3.1, 1.2])
ROWS = 4000
EXACT_TREES = ("as_star", "ad_star", "gprs", "grc")


def channel(kl_bits, rows: int, seed: int = 1) -> recjax.Normal:
    """Posteriors of a Gaussian channel of these informations."""
    scale = np.exp2(-np.asarray(kl_bits))
    loc = np.random.default_rng(seed).standard_normal((rows, len(scale))) * np.sqrt(1 - scale**2)
    return recjax.Normal(loc.astype(np.float32), np.broadcast_to(scale, loc.shape).astype(np.float32))


@pytest.mark.parametrize("name", ["orc", "pfr"])
def test_codes_take_no_more_than_the_expected_bits(name):
    plan = rec.plan(KL, algorithm=name, block_bits=4.0, max_bias=0.1)
    assert plan.bins is not None
    code = rec.encode(plan, KEY, channel(KL, 1000), P).code
    indices = zip(plan.index_masses, np.asarray(code.index).T, strict=True)
    index_bits = np.array([integers.index_bits(masses, index).mean() for masses, index in indices])
    bits = index_bits + np.log2(plan.bins.intervals).sum(axis=1)
    assert (bits < plan.expected_bits).all() and KL.sum() < bits.sum()


def test_bytes_are_as_long_as_the_expected_bits_say():
    """With a uniform index, whose length is known; beside the codes, they hold the plan and the ends of messages."""
    plan, rows = rec.plan(KL, algorithm="mrc", block_bits=4.0, candidates=64), 512
    code = rec.encode(plan, KEY, channel(KL, rows), P).code
    nothing = jax.tree.map(lambda leaf: leaf[:0], code)
    bits = 8 * (len(rec.to_bytes(plan, KEY, code)) - len(rec.to_bytes(plan, KEY, nothing))) / rows
    assert plan.expected_bits.sum() <= bits < plan.expected_bits.sum() + 0.5


def test_a_search_has_as_few_candidates_as_its_bias_allows():
    plan = rec.plan(KL, block_bits=4.0, max_bias=0.05)
    assert plan.bias.max() <= 0.05 < rec.plan(KL, block_bits=4.0, candidates=plan.candidates // 2).bias.max()
    deep = rec.plan(KL, algorithm="dad_star", max_bias=0.05).algorithm.largest
    assert rec.plan(KL, algorithm=rec.dad_star(max_depth=deep - 1)).bias.max() > 0.05


def test_bins_save_candidates_and_blocks_save_bits():
    whole, cut = rec.plan(KL, partition=False), rec.plan(KL)
    assert whole.candidates >= 8 * cut.candidates
    assert rec.plan(KL, block_bits=2.0).expected_bits.sum() > cut.expected_bits.sum() + 2


def test_one_candidate_is_a_sample_of_the_coding_distribution():
    """So the bound is the total variation distance of Q and P, here by integrals."""
    ratios = bias.draw_ratios(np.array([1.5]), None, by_supremum=False)
    q = channel([1.5], 2000, seed=2)
    x = np.linspace(-6, 6, 4001)
    apart = np.abs(stats.norm.pdf(x, np.asarray(q.loc), np.asarray(q.scale)) - stats.norm.pdf(x)).sum(axis=1)
    assert abs(bias.bound("orc", 1, ratios)[0] - (apart * (x[1] - x[0])).mean() / 2) < 0.02


def test_bins_take_from_the_ratio_what_they_say_of_the_sample():
    """By the mass of the target in each: log2 J less the entropy of the bin, here by sums over bins."""
    kl, count, rows = 2.0, 5, 4000
    whole, cut = (bias.draw_ratios(np.array([kl]), n, by_supremum=False).sample for n in (None, np.array([count])))
    q = channel([kl], rows, seed=2)
    edges = stats.norm.ppf(np.arange(count + 1) / count)
    mass = np.diff(stats.norm.cdf(edges, np.asarray(q.loc), np.asarray(q.scale)), axis=1)
    said = np.sum(mass * np.log2(np.maximum(count * mass, 1e-30)), axis=1).mean()
    assert abs((whole - cut).mean() - said) < 0.05 and abs(whole.mean() - kl) < 0.05
    by_supremum = bias.draw_ratios(np.array([kl]), np.array([count]), by_supremum=True).sample
    assert cut.mean() < by_supremum.mean() < kl - 0.5


@pytest.mark.parametrize(
    ("name", "make", "size", "looseness"),
    [
        ("pfr", lambda: rec.pfr(max_candidates=1 << 14), 16, 3),
        ("gprs_global", lambda: rec.gprs_global(max_candidates=1 << 14), 32, 6),
        ("dad_star", rec.ad_star, 3, 8),
    ],
)
def test_the_bound_covers_winners_that_come_too_late(name, make, size, looseness):
    """By a search that is not cut off: how often its winner lies beyond the cut."""
    kl = [2.0]
    code = rec.encode(make(), KEY, channel(kl, ROWS), P).code
    late = np.mean(np.asarray(code.depth if name == "dad_star" else code.index) > size)
    bound = bias.bound(name, size, bias.draw_ratios(np.array(kl), None, by_supremum=True))[0]
    assert late < bound + 0.02 and late > 0.01
    assert bound < looseness * late


@pytest.mark.parametrize("partition", [False, True])
def test_the_bound_covers_the_bias_of_few_candidates(partition):
    """Standardised samples of targets are normal; their distance from that is no larger than the bound."""
    kl = np.array([2.0, 1.4])
    plan = rec.plan(kl, candidates=4, partition=partition)
    q = channel(kl, ROWS)
    noise = (np.asarray(rec.encode(plan, KEY, q, P).sample) - q.loc) / q.scale
    distance = max(stats.kstest(one, "norm").statistic for one in np.asarray(noise).T)
    assert distance < plan.bias[0] + 0.02
    assert (distance > 0.1) is not partition


@pytest.mark.parametrize("name", EXACT_TREES)
def test_exact_coders_without_candidates_have_no_bias(name):
    plan = rec.plan(KL, algorithm=name)
    assert plan.candidates is None and not plan.bias.any() and plan.shape == (len(KL),)
    shallow = rec.plan(KL, algorithm=rec.ALGORITHMS[name](max_depth=2))
    assert np.isnan(shallow.bias).all()


@pytest.mark.parametrize("name", ["orc", "as_star"])
def test_encoders_and_decoders_take_plans(name):
    """Alone, under jit as a constant, and under jit as an argument."""
    plan, q = rec.plan(KL, algorithm=name, block_bits=4.0, max_bias=0.3), channel(KL, 3)
    made = rec.encode(plan, KEY, q, P)
    assert made.sample.shape == made.words.shape == (3, 5)
    assert np.array_equal(rec.decode(plan, KEY, P, made.code), made.sample)
    constant = jax.jit(lambda key, q: rec.encode(plan, key, q, P))(KEY, q)
    argument = jax.jit(rec.encode)(plan, KEY, q, P)
    assert np.array_equal(constant.sample, argument.sample)
    back = jax.jit(rec.decode)(plan, KEY, P, argument.code)
    assert np.array_equal(back, argument.sample)


def test_a_plan_is_its_parts():
    plan, q = rec.plan(KL, block_bits=3.0, shared_axes=(0,)), channel(KL, 3)
    blocks, bins = plan.blocks, plan.bins
    assert blocks is not None and bins is not None and (blocks.place == -1).any()
    parts = recjax.Normal(blocks.split(q.loc, 0.0), blocks.split(np.asarray(q.scale), 1.0))
    by_hand = rec.encode(plan.algorithm, KEY, parts, P, bins=bins, shared_axes=(0,))
    found = rec.encode(plan, KEY, q, P)
    assert np.array_equal(found.words, blocks.merge(by_hand.words))
    assert np.array_equal(rec.encode(plan, KEY, channel(KL, 1), P).words[0], found.words[0])


def test_coding_distributions_of_latents_are_divided_too():
    plan, q = rec.plan([1.0, 2.0, 0.4], block_bits=2.0), channel([1.0, 2.0, 0.4], 4)
    p = recjax.Normal(np.float32([0.1, 5.0, -2.0]), np.float32([2.0, 1.0, 0.3]))
    made = rec.encode(plan, KEY, recjax.Normal(p.loc + p.scale * q.loc, p.scale * q.scale), p)
    plain = rec.encode(plan, KEY, q, P)
    assert np.array_equal(made.code.interval, plain.code.interval)
    np.testing.assert_allclose(made.sample, p.loc + p.scale * plain.sample, atol=1e-5)


REFUSED = {
    "kl_bits is the mean": lambda: rec.plan(np.ones((1, 2))),
    "values from -1": lambda: rec.plan([-1.0]),
    "algorithm must be one of": lambda: rec.plan(KL, algorithm="best"),
    "block_bits must be above 0": lambda: rec.plan(KL, block_bits=0.0),
    "max_bias is a distance": lambda: rec.plan(KL, max_bias=1.0),
    "different axes counted from 0": lambda: rec.plan(KL, shared_axes=(-1,)),
    "as_star takes no number of candidates": lambda: rec.plan(KL, algorithm="as_star", candidates=4),
    "the orc that has its sizes takes no number": lambda: rec.plan(
        KL, algorithm=rec.orc(num_candidates=2), candidates=4
    ),
    "even with 2.22 candidates": lambda: rec.plan([30.0] * 3, block_bits=90.0, partition=False),
    "even with 16 branches": lambda: rec.plan([19.0], algorithm="dad_star"),
    "mrc takes no bins": lambda: rec.plan(KL, algorithm="mrc", partition=True),
    "the plan is for 5 latents": lambda: rec.encode(rec.plan(KL), KEY, channel(KL[:4], 2), P),
    "the plan is for 5 latents, got q": lambda: rec.encode(rec.plan(KL), KEY, channel(KL[:1], 2), P),
    "got a distribution of shape": lambda: rec.decode(
        rec.plan(KL), KEY, channel(KL[:4], 2), rec.encode(rec.plan(KL), KEY, channel(KL, 2), P).code
    ),
    "brings its own bins": lambda: rec.encode(rec.plan(KL), KEY, channel(KL, 2), P, bins=3),
    "take q and p of one class": lambda: rec.encode(
        rec.plan(KL, block_bits=3.0), KEY, channel(KL, 2), recjax.Laplace(0.0, 1.0)
    ),
    "a plan divides independent latents": lambda: rec.encode(
        rec.plan(KL), KEY, recjax.MultivariateNormal(jnp.zeros(5), jnp.eye(5)), P
    ),
    "give the code that encode returned": lambda: rec.decode(
        rec.plan(KL), KEY, P, rec.encode(rec.plan(KL, block_bits=1.0), KEY, channel(KL, 2), P).code
    ),
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_cannot_be_planned_is_refused_with_a_sentence(sentence):
    with pytest.raises(ValueError, match=sentence):
        REFUSED[sentence]()
