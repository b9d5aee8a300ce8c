"""The coders that the experiments in one dimension compare, by name; how targets reach them, and codes their bits."""

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from experiments.synthetic import codelength
from experiments.synthetic import targets as synthetic
from experiments.synthetic.coder_styles import CODED
from recjax import randomness, rec
from recjax.distributions.normal import Normal
from recjax.randomness import Key
from recjax.rec.base import Encoded, RECAlgorithm

# By the largest number of candidates, which only those need that examine them one after the other.
EXACT: dict[str, Callable[[int], RECAlgorithm]] = {
    "pfr": lambda budget: rec.pfr(max_candidates=budget, chunk_size=256),
    "gprs_global": lambda budget: rec.gprs_global(max_candidates=budget, chunk_size=256),
    "as_star": lambda budget: rec.as_star(),
    "ad_star": lambda budget: rec.ad_star(),
    "gprs": lambda budget: rec.gprs(),
    "grc": lambda budget: rec.grc(split="dyadic"),
    "grc_sample": lambda budget: rec.grc(split="sample"),
}
BY_CANDIDATES = ("pfr", "gprs_global")
"""These examine 2^D_inf candidates, which bounds the targets that they can be given."""

AT_SAMPLES = ("as_star", "gprs", "grc_sample")
"""These cut intervals at their samples, so that their branches are worth other than a bit (`rec.branch_bits`)."""

# By the bits of a code of fixed length: an index of b bits, or a node of a tree of 2^b - 1.
APPROXIMATE: dict[str, Callable[[int], RECAlgorithm]] = {
    "dad_star": lambda bits: rec.dad_star(max_depth=bits - 1),
    "orc": lambda bits: rec.orc(num_candidates=1 << bits),
    "mrc": lambda bits: rec.mrc(num_candidates=1 << bits),
}


def check_coders(coders: tuple[str, ...], known: Any) -> None:
    """ValueError for a coder that an experiment has not."""
    wrong = [name for name in coders if name not in known]
    if wrong or not coders:
        raise ValueError(f"coders must be some of {', '.join(known)}, got {wrong or 'none'}; choose from these.")


def exact_key(seed: int, name: str) -> Key:
    """The key of an exact coder's searches: no two coders share any, whatever the seeds."""
    return randomness.fold_in(randomness.key(seed), 0, list(EXACT).index(name))


def codes_of(name: str, key: Key, found: Encoded, shape: tuple[int, int], budget_log2: int) -> dict[str, Any]:
    """`codelength.Bits` of what an exact coder found, by the name of the coder, with coded cuts if it has any."""
    made = {name: codelength.in_sample_bits(found.code, shape, budget_log2)}
    if name in AT_SAMPLES:
        branches = rec.branch_bits(rec.stream_keys(key, found.code.shape), found.code)
        made[name + CODED] = codelength.in_sample_bits(found.code, shape, budget_log2, branch_bits=np.asarray(branches))
    return made


def encode_scalars(algorithm: RECAlgorithm, key: Key, targets: synthetic.Targets) -> Encoded:
    """A sample of each target [run, column] of its own, in that shape, whatever the coder makes of a last axis."""
    if algorithm.scalar:
        return rec.encode(algorithm, key, targets.normal, synthetic.PRIOR)
    blocks = Normal(*(jnp.asarray(part, jnp.float32)[..., None] for part in targets))
    found = rec.encode(algorithm, key, blocks, synthetic.PRIOR)
    return found._replace(words=found.words[..., 0], sample=found.sample[..., 0])
