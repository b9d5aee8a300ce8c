"""How latents are sent, and what that comes to for a model: what a file's header states and its decoder rebuilds."""

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from recjax import randomness, rec
from recjax.coding import integers
from recjax.container import METHODS, Header
from recjax.distributions.normal import Normal
from recjax.errors import FormatError
from recjax.models import model as models
from recjax.models.model import Model
from recjax.rec import blocks as blocking
from recjax.rec import codes, engine

ZETA, LEARNED = 0, 1
MAX_CANDIDATES_LOG2 = METHODS["pfr"]["candidates_log2"].highest


@dataclass(frozen=True)
class Settings:
    """How latents are sent; all of it stands in the header.

    candidates_log2: log2 of the candidates of a block (a limit for the PFR, the number for ORC). block_bits_q10: budget
    of training-mean KL of a block, in 1/1024 bit. index_code: ZETA, or LEARNED from training histograms in the model
    file.
    """

    method: str
    partition: bool
    candidates_log2: int
    block_bits_q10: int
    index_code: int = ZETA

    @property
    def histogram(self) -> str:
        """Name of the histogram of indices in the model file that LEARNED uses."""
        kind = "partition" if self.partition else "plain"
        return f"{self.method}-{kind}-{self.candidates_log2}-{self.block_bits_q10}"

    @property
    def parameters(self) -> dict[str, int]:
        """As the header states them."""
        return {
            "partition": int(self.partition),
            "candidates_log2": self.candidates_log2,
            "block_budget_bits_q10": self.block_bits_q10,
            "index_code": self.index_code,
        }


def settings_of(header: Header, model: Model) -> Settings:
    """The settings that a header states; FormatError if the model does not have what they need."""
    stated = header.parameters
    settings = Settings(
        header.method,
        bool(stated["partition"]),
        stated["candidates_log2"],
        stated["block_budget_bits_q10"],
        stated["index_code"],
    )
    unknown = settings.index_code == LEARNED and settings.histogram not in model.index_counts
    if settings.index_code > LEARNED or unknown:
        raise FormatError(f"the file uses an index code that model {model.name!r} does not have; the file is damaged.")
    return settings


@jax.tree_util.register_dataclass
@dataclass(frozen=True, eq=False)
class Plan:
    """What settings come to for a model: the algorithm, the blocks, their bins and their index codes.

    A pytree: what is compiled for one plan serves all of the same algorithm and shapes.
    """

    algorithm: rec.RECAlgorithm = field(metadata={"static": True})
    blocks: blocking.Blocks
    bins: rec.Bins | None
    masses: Any
    log2_bins: Any


@functools.lru_cache(maxsize=32)
def make_plan(model: Model, settings: Settings) -> Plan:
    """The plan that encoder and decoder share; integers only."""
    order = blocking.permutation(randomness.key(0), model.latents)
    kl = np.asarray(model.kl_bits, np.int64)
    blocks = blocking.split_by_budget(kl, settings.block_bits_q10, order)
    counts = blocks.split(np.asarray(model.intervals, np.int64), 1) if settings.partition else None
    algorithm = _algorithm(settings.method, 1 << settings.candidates_log2)
    if settings.index_code == LEARNED:
        masses = integers.learned_masses(model.index_counts[settings.histogram].tolist())[None]
        masses = np.repeat(masses, len(blocks.place), axis=0)
    else:
        expected = codes.expected_log2_index(blocks.split(kl, 0), counts, 1 << settings.candidates_log2)
        masses = np.stack([integers.zeta_masses(int(q), settings.candidates_log2) for q in expected])
    bins = None if counts is None else engine.as_bins(algorithm, counts)
    log2_bins = np.zeros(len(blocks.place)) if counts is None else np.log2(counts).sum(axis=1)
    return Plan(algorithm, blocks, bins, masses, log2_bins)


@functools.lru_cache(maxsize=32)
def make_decoding_plan(model: Model, settings: Settings) -> Plan:
    """The plan for decoding alone, where sizes of the search do not matter: files of any share what is compiled.

    So the number of functions that files can make a decoder compile is bounded by the ways to cut a model's latents
    into blocks, whatever their headers say.
    """
    plan = make_plan(model, settings)
    # Classes that have no mass are never popped.
    missing = max(integers.num_classes(MAX_CANDIDATES_LOG2) + 1 - plan.masses.shape[1], 0)
    masses = np.concatenate(
        [plan.masses[:, :-1], np.zeros((len(plan.masses), missing), np.int64), plan.masses[:, -1:]], axis=1
    )
    return replace(plan, algorithm=_algorithm(settings.method, 1), masses=masses)


def _algorithm(method: str, candidates: int) -> rec.RECAlgorithm:
    size = {"pfr": "max_candidates", "orc": "num_candidates"}[method]
    return rec.ALGORITHMS[method](**{size: candidates})


@jax.jit
def targets(model: Model, plan: Plan, images: jax.Array) -> Normal:
    """Targets [image, block, dim] of images [image, pixels]; padding is the prior itself, which costs nothing."""
    mean, scale = models.posterior_floats(model, images.astype(jnp.uint8))
    return Normal(plan.blocks.split(mean, 0.0), plan.blocks.split(scale, 1.0))
