"""The coders that the experiments in one dimension compare, by name, and their searches and codelengths."""

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

# Factories of the exact coders. They take the largest number of candidates, which only `BY_CANDIDATES` use.
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
"""Coders that examine 2^D_inf candidates on average, which limits the targets that they can be run on."""

AT_SAMPLES = ("as_star", "gprs", "grc_sample")
"""Coders that cut intervals at samples, so that a branch is worth more or less than one bit (see `rec.branch_bits`)."""

# Factories of the approximate coders. They take the bits b of a code: an index of one of 2^b candidates, or a node of a
# tree of 2^b - 1 nodes.
APPROXIMATE: dict[str, Callable[[int], RECAlgorithm]] = {
    "dad_star": lambda bits: rec.dad_star(max_depth=bits - 1),
    "orc": lambda bits: rec.orc(num_candidates=1 << bits),
    "mrc": lambda bits: rec.mrc(num_candidates=1 << bits),
}


def check_coders(coders: tuple[str, ...], known: Any) -> None:
    """Checks that the coders of a config exist.

    Args:
        coders: Names to check.
        known: Container of the allowed names.

    Raises:
        ValueError: If there is no name, or one that is not known.
    """
    wrong = [name for name in coders if name not in known]
    if wrong or not coders:
        raise ValueError(f"coders must be some of {', '.join(known)}, got {wrong or 'none'}; choose from these.")


def exact_key(seed: int, name: str) -> Key:
    """Makes the key of the searches of an exact coder, which differs between coders of the same seed.

    Args:
        seed: Seed of the experiment.
        name: A key of `EXACT`.

    Returns:
        The key.
    """
    return randomness.fold_in(randomness.key(seed), 0, list(EXACT).index(name))


def codes_of(name: str, key: Key, encoded: Encoded, shape: tuple[int, int], budget_log2: int) -> dict[str, Any]:
    """Computes the codelengths of the codes of an exact coder, and those with coded branches if it cuts at samples.

    Args:
        name: A key of `EXACT`.
        key: The key that the searches were made with.
        encoded: Result of the searches.
        shape: Shape [run, column] of the searches.
        budget_log2: Logarithm (base 2) of the largest index.

    Returns:
        `codelength.Bits` by the name of the coder, which ends in `CODED` for coded branches.
    """
    made = {name: codelength.in_sample_bits(encoded.code, shape, budget_log2)}
    if name in AT_SAMPLES:
        branches = rec.branch_bits(rec.stream_keys(key, encoded.code.shape), encoded.code)
        made[name + CODED] = codelength.in_sample_bits(
            encoded.code, shape, budget_log2, branch_bits=np.asarray(branches)
        )
    return made


def encode_scalars(algorithm: RECAlgorithm, key: Key, targets: synthetic.Targets) -> Encoded:
    """Encodes one sample of each scalar target, also with coders of blocks.

    Args:
        algorithm: A coder of scalars, or of blocks, which then get one dimension each.
        key: Key of the searches.
        targets: Targets [run, column], each searched on its own.

    Returns:
        The result, with words and samples of shape [run, column].
    """
    if algorithm.scalar:
        return rec.encode(algorithm, key, targets.normal, synthetic.PRIOR)
    blocks = Normal(*(jnp.asarray(part, jnp.float32)[..., None] for part in targets))
    encoded = rec.encode(algorithm, key, blocks, synthetic.PRIOR)
    return encoded._replace(words=encoded.words[..., 0], sample=encoded.sample[..., 0])
