"""What a caller asks for, checked and made settings of; what is left out is what suits the method and the model."""

import math
import operator
from dataclasses import replace
from typing import Any

import numpy as np

from recjax import randomness
from recjax.codecs.arguments import require_number
from recjax.codecs.settings import (
    BIN_CODES,
    BRANCH_CODES,
    CHAIN_METHOD,
    INDEX_CODES,
    LEARNED,
    MAX_CANDIDATES_LOG2,
    REC_METHODS,
    SCALAR_METHODS,
    START_METHOD,
    BlockSettings,
    ScalarSettings,
    Settings,
)
from recjax.container.file import METHODS as ROWS
from recjax.models.vae.evaluate import Model
from recjax.rec import blocks as blocking

METHODS = ("bb-ans", CHAIN_METHOD, *REC_METHODS)
MAX_BUDGET_BITS = ROWS["pfr"]["block_budget_bits_q10"].highest // 1024

# (candidates, KL bits per block) by method and partition: what a search of well under a millisecond per block can do.
_DEFAULTS = {
    ("pfr", True): (1 << 16, 8.0),
    ("pfr", False): (1 << 16, 6.0),
    ("orc", True): (1 << 12, 24.0),
    ("orc", False): (1 << 12, 8.0),
}
_DEFAULT_MAX_DEPTH = 10

_SIZES = ("candidates", "block_bits", "blocks")
_TAKES = {
    "bb-ans": (),
    CHAIN_METHOD: (*_SIZES, "index_code", "bin_code"),
    "pfr": (*_SIZES, "index_code", "bin_code"),
    "orc": (*_SIZES, "index_code", "bin_code"),
    "as-star": ("branch_code", "index_code"),
    "ad-star": ("index_code",),
    "dad-star": ("max_depth", "index_code"),
    "gprs": ("branch_code", "index_code"),
}


def check_settings(
    method: str,
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    *,
    blocks: int | None = None,
    max_depth: int | None = None,
    branch_code: str | None = None,
    index_code: str | None = None,
    bin_code: str | None = None,
) -> Settings | None:
    """Settings of relative entropy coding for any model, None for bits-back alone; ValueError says what is wrong.

    The arguments are those of `lossless.compress`. What a model decides (the budget of `blocks`, whether there are
    learned codes) is at its default here; see `make_settings`.
    """
    given = {
        "candidates": candidates, "block_bits": block_bits, "blocks": blocks, "max_depth": max_depth,
        "branch_code": branch_code, "index_code": index_code, "bin_code": bin_code,
    }  # fmt: skip
    _check_options(method, {name for name, value in given.items() if value is not None})
    if not isinstance(partition, bool | np.bool_):
        raise ValueError(f"partition must be True or False, got {partition!r}.")
    if block_bits is not None:
        require_number("block_bits", block_bits)
    _check_choice("index_code", index_code, INDEX_CODES)
    _check_choice("bin_code", bin_code, BIN_CODES)
    _check_choice("branch_code", branch_code, BRANCH_CODES)
    if method == "bb-ans":
        return None
    method = START_METHOD if method == CHAIN_METHOD else method
    law = INDEX_CODES.index(index_code or "zeta")
    if method in SCALAR_METHODS:
        depth = 0
        if method == "dad-star":
            depth = _whole(
                "max_depth", _DEFAULT_MAX_DEPTH if max_depth is None else max_depth, *ROWS[method]["max_depth"]
            )
        arithmetic = "branch_code" in ROWS[method] and branch_code != "raw"
        return ScalarSettings(method, law, arithmetic, depth)
    if bin_code == "learned" and not partition:
        raise ValueError("learned bins need a partition; leave out bin_code or partition=False.")
    default_candidates, default_block_bits = _DEFAULTS[method, bool(partition)]
    if blocks is not None:
        _whole("blocks", blocks, 1, 1 << 20)
        if block_bits is not None:
            raise ValueError("blocks and block_bits both decide how latents are cut into blocks; give one of them.")
    block_bits = default_block_bits if block_bits is None else block_bits
    if not (math.isfinite(block_bits) and 1 / 1024 <= block_bits <= MAX_BUDGET_BITS):
        raise ValueError(f"block_bits must lie between 1/1024 and {MAX_BUDGET_BITS} bits, got {block_bits}.")
    candidates_log2 = log2_of_candidates(default_candidates if candidates is None else candidates)
    return BlockSettings(method, bool(partition), candidates_log2, round(block_bits * 1024), law, bin_code == "learned")


def make_settings(
    model: Model,
    method: str,
    partition: bool = True,
    candidates: int | None = None,
    block_bits: float | None = None,
    **codes: Any,
) -> Settings | None:
    """The settings of `check_settings` for a model: learned codes where it has them, unless others are asked for."""
    settings = check_settings(method, partition, candidates, block_bits, **codes)
    if settings is None:
        return None
    if codes.get("blocks") is not None:
        settings = replace(settings, block_bits_q10=block_budget_for(model, codes["blocks"]))
    learned = settings.histogram in model.index_counts
    if codes.get("index_code") is None and learned:
        settings = replace(settings, index_code=LEARNED)
    if settings.index_code == LEARNED and not learned:
        raise ValueError(
            f"model {model.name!r} has no histogram {settings.histogram!r}; take index_code 'zeta' or 'delta', or "
            "learn it with recjax.codecs.lossless.learned_codes."
        )
    if isinstance(settings, BlockSettings) and settings.partition:
        if codes.get("bin_code") is None and model.interval_masses is not None:
            settings = replace(settings, learned_bins=True)
        if settings.learned_bins and model.interval_masses is None:
            raise ValueError(
                f"model {model.name!r} has no masses of intervals; take bin_code 'uniform', or learn them with "
                "recjax.codecs.lossless.learned_codes."
            )
    return settings


def block_budget_for(model: Model, blocks: int) -> int:
    """The smallest budget, in 1/1024 bit, with which a model's latents fill at most so many blocks.

    ValueError if no budget that a file can state is large enough.
    """
    order = blocking.permutation(randomness.key(0), model.latents)
    budget = blocking.smallest_budget(np.asarray(model.kl_bits, np.int64), blocks, order)
    if budget > 1024 * MAX_BUDGET_BITS:
        raise ValueError(
            f"the latents of model {model.name!r} fill more than {blocks} blocks of {MAX_BUDGET_BITS} bits; "
            "ask for more blocks."
        )
    return budget


def _check_options(method: str, given: set[str]) -> None:
    if not isinstance(method, str) or method not in _TAKES:
        raise ValueError(f"unknown method {method!r}; choose one of {', '.join(_TAKES)}.")
    for name in sorted(given - set(_TAKES[method])):
        owners = [one for one, names in _TAKES.items() if name in names]
        raise ValueError(f"{method} has no use for {name}, which belongs to {', '.join(owners)}; leave it out.")


def _check_choice(name: str, value: str | None, choices: tuple[str, ...]) -> None:
    if value is not None and value not in choices:
        raise ValueError(f"{name} must be one of {', '.join(choices)}, got {value!r}.")


def _whole(name: str, value: Any, lowest: int, highest: int) -> int:
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{name} must be a whole number, got {value!r}; use int().") from None
    if not lowest <= number <= highest:
        raise ValueError(f"{name} must lie between {lowest} and {highest}, got {number}.")
    return number


def log2_of_candidates(candidates: Any) -> int:
    try:
        candidates = operator.index(candidates)
    except TypeError:
        raise ValueError(f"candidates must be a whole number, got {candidates!r}; use int().") from None
    nearest_log2 = min(max(candidates, 1).bit_length() - 1, MAX_CANDIDATES_LOG2)
    if candidates != 1 << nearest_log2:
        raise ValueError(
            f"candidates must be a power of two up to 2^{MAX_CANDIDATES_LOG2}, got {candidates}; "
            f"try {1 << nearest_log2}."
        )
    return nearest_log2
