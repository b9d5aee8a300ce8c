"""Turns the options of a caller into the settings that a file's header states.

An option that is left open gets the value that suits the method and the model.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from recjax import randomness
from recjax.codecs.checks import MAX_BLOCK_BITS, is_flag, log2_of_candidates
from recjax.codecs.lossless.options import INDEX_CODES, BlockOptions, BranchOptions, DepthOptions, LosslessOptions
from recjax.codecs.lossless.settings import (
    CHAIN_METHOD,
    LEARNED,
    START_METHOD,
    ZETA,
    BlockSettings,
    ScalarSettings,
    Settings,
)
from recjax.container.methods import METHODS, options_of
from recjax.models.vae.evaluate import Model
from recjax.rec import blocks as blocking

# Candidates and KL bits of a block, by method and partition: blocks that this many candidates can carry with little
# bias, in well under a millisecond each.
_DEFAULTS = {
    ("pfr", True): (1 << 16, 8.0),
    ("pfr", False): (1 << 16, 6.0),
    ("orc", True): (1 << 12, 24.0),
    ("orc", False): (1 << 12, 8.0),
}
_DEFAULT_MAX_DEPTH = 10


def lossless_options(method: str, *, partition: bool = True, **given: Any) -> LosslessOptions:
    """Makes the options of a lossless method from values by name.

    Args:
        method: The name of the method.
        partition: Whether blocks are searched within bins; True is accepted for every method.
        **given: Other options by name; None leaves an option open.

    Returns:
        The options.

    Raises:
        ValueError: There is no such lossless method, it has no such option, or a value is illegal.
    """
    if isinstance(method, str) and method in METHODS and not METHODS[method].lossless:
        raise ValueError(f"{method} is a lossy method; call recjax.compress_lossy, or choose a lossless one.")
    return options_of(method, given if is_flag(partition) and partition else {**given, "partition": partition})


def settings_for_any_model(method: str, options: LosslessOptions) -> Settings | None:
    """Makes the settings of a method without knowing the model.

    What depends on the model (the budget of a block given `blocks`, and whether there are learned codes) is left at its
    default; `resolve` decides it.

    Args:
        method: The name of a lossless method.
        options: The options of the method.

    Returns:
        The settings of relative entropy coding; None for bits-back alone.
    """
    index_code = INDEX_CODES.index(getattr(options, "index_code", None) or INDEX_CODES[ZETA])
    method = START_METHOD if method == CHAIN_METHOD else method
    if isinstance(options, BlockOptions):
        candidates, block_bits = _DEFAULTS[method, bool(options.partition)]
        candidates = candidates if options.candidates is None else options.candidates
        block_bits = block_bits if options.block_bits is None else options.block_bits
        learned_bins = options.bin_code == "learned"
        return BlockSettings(
            method,
            bool(options.partition),
            log2_of_candidates(candidates),
            round(block_bits * 1024),
            index_code,
            learned_bins,
        )
    if isinstance(options, DepthOptions):
        depth = _DEFAULT_MAX_DEPTH if options.max_depth is None else int(options.max_depth)
        return ScalarSettings(method, index_code, False, depth)
    if isinstance(options, BranchOptions):
        return ScalarSettings(method, index_code, options.branch_code != "raw")
    return ScalarSettings(method, index_code) if hasattr(options, "index_code") else None


def resolve(model: Model, method: str, options: LosslessOptions) -> Settings | None:
    """Makes the settings of a method for a model.

    Codes that the options leave open are the learned ones, where the model has them.

    Args:
        model: The model to encode images with.
        method: The name of a lossless method.
        options: The options of the method.

    Returns:
        The settings of relative entropy coding; None for bits-back alone.

    Raises:
        ValueError: The model lacks a learned code that the options ask for, or no budget gives so few blocks.
    """
    settings = settings_for_any_model(method, options)
    if settings is None:
        return None
    if isinstance(options, BlockOptions) and options.blocks is not None:
        settings = replace(settings, block_bits_q10=block_budget_for(model, options.blocks))
    learned = settings.histogram in model.index_counts
    if getattr(options, "index_code", None) is None and learned:
        settings = replace(settings, index_code=LEARNED)
    if settings.index_code == LEARNED and not learned:
        raise ValueError(
            f"model {model.name!r} has no histogram {settings.histogram!r}; take index_code 'zeta' or 'delta', or "
            "learn it with recjax.codecs.lossless.learned_codes."
        )
    if isinstance(settings, BlockSettings) and isinstance(options, BlockOptions) and settings.partition:
        if options.bin_code is None and model.interval_masses is not None:
            settings = replace(settings, learned_bins=True)
        if settings.learned_bins and model.interval_masses is None:
            raise ValueError(
                f"model {model.name!r} has no masses of intervals; take bin_code 'uniform', or learn them with "
                "recjax.codecs.lossless.learned_codes."
            )
    return settings


def check_settings(
    method: str,
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    **given: Any,
) -> Settings | None:
    """Makes the settings of a method from options by name, without knowing the model.

    Args:
        method: The name of a lossless method.
        partition: Whether blocks are searched within bins.
        candidates: Number of candidates of a block, a power of two.
        block_bits: KL divergence of a block, in bits.
        **given: Other options by name.

    Returns:
        The settings of relative entropy coding; None for bits-back alone.

    Raises:
        ValueError: There is no such method, it has no such option, or a value is illegal.
    """
    given = {"candidates": candidates, "block_bits": block_bits, **given}
    return settings_for_any_model(method, lossless_options(method, partition=partition, **given))


def make_settings(
    model: Model,
    method: str,
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    **given: Any,
) -> Settings | None:
    """Makes the settings of a method for a model, from options by name.

    Args:
        model: The model to encode images with.
        method: The name of a lossless method.
        partition: Whether blocks are searched within bins.
        candidates: Number of candidates of a block, a power of two.
        block_bits: KL divergence of a block, in bits.
        **given: Other options by name.

    Returns:
        The settings of relative entropy coding; None for bits-back alone.

    Raises:
        ValueError: There is no such method, it has no such option, a value is illegal, or the model lacks a learned
            code that is asked for.
    """
    given = {"candidates": candidates, "block_bits": block_bits, **given}
    return resolve(model, method, lossless_options(method, partition=partition, **given))


def block_budget_for(model: Model, blocks: int) -> int:
    """Computes the smallest budget with which a model's latents fill at most a number of blocks.

    Args:
        model: The model.
        blocks: The largest number of blocks, at least 1.

    Returns:
        The budget of a block, in units of 1/1024 bit.

    Raises:
        ValueError: The budget would exceed the largest that a file can state.
    """
    order = blocking.permutation(randomness.key(0), model.latents)
    budget = blocking.smallest_budget(np.asarray(model.kl_bits, np.int64), blocks, order)
    if budget > 1024 * MAX_BLOCK_BITS:
        raise ValueError(
            f"the latents of model {model.name!r} fill more than {blocks} blocks of {MAX_BLOCK_BITS} bits; "
            "ask for more blocks."
        )
    return budget
