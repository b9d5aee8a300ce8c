"""Integer tables of symbol masses, one row per cell of a likelihood's parameter space.

Everything is integer arithmetic on the host (int64 and Python integers, with `decimal` for the exponentials of the few
axis values), so every machine builds the same table; a test pins its digest. Masses of a row sum to 2^16 and none is 0.
"""

import functools
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

import numpy as np
from jaxtyping import Int32, UInt32

from recjax.models.fixed_point.logarithms import EXP2_ONE, exp2_fixed, log2_fixed

PRECISION = 16
"""The masses of a row sum to 2^16."""

MAX_LOGIT = 12
MIN_LOG_CONCENTRATION = -4
MAX_LOG_CONCENTRATION = 8

LOGIT_STEP_BITS = 5
"""The logit's axis has steps of 2^-5 nats."""

LOGIT_CENTRE = MAX_LOGIT << LOGIT_STEP_BITS
"""Index of logit 0 on that axis, which has 2 * LOGIT_CENTRE + 1 points."""

CONCENTRATION_STEP_BITS = 2
"""The log concentration's axis has steps of 2^-2 nats."""

ROWS_PER_DEVIATION = {64: 24, 255: 12}
"""Rows of equal concentration per standard deviation of the logit's estimate, for counts up to 64 and up to 255.

Rounding to the nearest of r rows per deviation costs 1 / (24 r^2) nats on average: 7e-5 and 3e-4.
"""

UNIT_BITS = 40
"""Exponentials and logistic functions are in units of 2^-40."""

_KEPT = 8
"""Tables of so many numbers of levels are kept, of up to 8 MB each: a process may see models of any levels."""

# The default context is the program's to change, this one is not.
_DECIMALS = Context(prec=40, rounding=ROUND_HALF_EVEN)


@functools.cache
def bernoulli_rows() -> UInt32[np.ndarray, "rows 3"]:
    """Cumulative masses of (0, 1) for each point of the logit's axis."""
    one = (sigmoids() + 2 ** (UNIT_BITS - PRECISION - 1)) >> (UNIT_BITS - PRECISION)
    one = np.clip(one, 1, 2**PRECISION - 1)
    return _cumulative(np.stack([2**PRECISION - one, one], axis=1))


@functools.lru_cache(maxsize=_KEPT)
def beta_binomial_rows(n: int) -> UInt32[np.ndarray, "rows cumulative"]:
    """Cumulative masses of the counts 0 to n for each row that `beta_binomial_row_numbers` names."""
    return _cumulative(_leaky_masses(_row_log2_weights(n)))


@functools.lru_cache(maxsize=_KEPT)
def beta_binomial_split_rows(n: int) -> tuple[UInt32[np.ndarray, "rows"], UInt32[np.ndarray, "rows counts"]]:
    """For each row, the mass of the counts above 0, in [1, 2^16 - 1], and the cumulative masses of 1 to n among them.

    So a sure 0 does not pay for the least mass of n other counts: 0.0056 bits a pixel of 256 levels.
    """
    log2_weights = _row_log2_weights(n)
    weights = exp2_fixed(log2_weights.max(axis=1, keepdims=True) - log2_weights)
    total = weights.sum(axis=1)
    positive = (((total - weights[:, 0]) << PRECISION) + total // 2) // total
    positive = np.clip(positive, 1, 2**PRECISION - 1).astype(np.uint32)
    return _read_only(positive), _cumulative(_leaky_masses(log2_weights[:, 1:]))


@functools.lru_cache(maxsize=1)
def _row_log2_weights(n: int) -> np.ndarray:
    """log2 of the masses of each row up to a constant, in units of 2^-24 (int64 [rows, n + 1])."""
    numbers = beta_binomial_row_numbers(n)
    means = sigmoids()
    totals = _concentrations()
    alphas, betas = [], []
    for numbers_here, total in zip(numbers, totals, strict=True):
        # A row stands for a run of logits; the middle one is its parameter.
        first = np.searchsorted(numbers_here, np.arange(numbers_here[0], numbers_here[-1] + 1), side="left")
        last = np.searchsorted(numbers_here, np.arange(numbers_here[0], numbers_here[-1] + 1), side="right") - 1
        for middle in (first + last) // 2:
            alphas.append(max(1, (total * int(means[middle])) >> UNIT_BITS))
            betas.append(max(1, (total * (2**UNIT_BITS - int(means[middle]))) >> UNIT_BITS))
    return _read_only(_log2_weights(n, np.array(alphas), np.array(betas)))


@functools.lru_cache(maxsize=_KEPT)
def beta_binomial_row_numbers(n: int) -> Int32[np.ndarray, "concentrations logits"]:
    """Row of each point (log concentration, logit). Rows are closer together where the law is more sensitive.

    The Fisher information of the logit is about m p (1 - p), with m = n (A + 1) / (A + n) the count of independent
    draws that n draws with concentration A are worth.
    """
    means = sigmoids()
    rows_per_deviation = next(rows for largest, rows in ROWS_PER_DEVIATION.items() if n <= largest)
    variances = (means >> 20) * ((2**UNIT_BITS - means) >> 20)
    numbers = np.zeros((len(_concentrations()), len(means)), np.int32)
    next_row = 0
    for concentration, total in enumerate(_concentrations()):
        one = 2**UNIT_BITS
        draws = (n * (total + one) << 12) // (total + n * one)
        # Per step of the axis, in units of 2^-16 rows: sqrt(draws * variance) * rows per deviation / 2^LOGIT_STEP_BITS.
        deviations = _integer_sqrt(draws * (variances >> 20))
        arc = np.cumsum(deviations * rows_per_deviation >> LOGIT_STEP_BITS)
        numbers[concentration] = next_row + ((arc - arc[0]) >> 16)
        _, numbers[concentration] = np.unique(numbers[concentration], return_inverse=True)
        numbers[concentration] += next_row
        next_row = int(numbers[concentration, -1]) + 1
    return _read_only(numbers)


@functools.cache
def sigmoids() -> np.ndarray:
    """1 / (1 + exp(-logit)) of each point of the logit's axis, in units of 2^-40 (int64)."""
    points = range(-LOGIT_CENTRE, LOGIT_CENTRE + 1)
    with localcontext(_DECIMALS):
        values = [2**UNIT_BITS / (1 + (-Decimal(point) / 2**LOGIT_STEP_BITS).exp()) for point in points]
        return _read_only(np.array([int(value.to_integral_value()) for value in values], np.int64))


@functools.cache
def _concentrations() -> tuple[int, ...]:
    """exp of each point of the log concentration's axis, in units of 2^-40."""
    points = range(
        MIN_LOG_CONCENTRATION << CONCENTRATION_STEP_BITS, (MAX_LOG_CONCENTRATION << CONCENTRATION_STEP_BITS) + 1
    )
    with localcontext(_DECIMALS):
        values = [2**UNIT_BITS * (Decimal(point) / 2**CONCENTRATION_STEP_BITS).exp() for point in points]
        return tuple(int(value.to_integral_value()) for value in values)


def _log2_weights(n: int, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """log2 of the beta-binomial masses of 0 to n up to a constant per row, in units of 2^-24 ([rows, n + 1]).

    From the ratio of neighbours, (n - k) (k + alpha) / ((k + 1) (n - k - 1 + beta)), which needs no gamma function.
    """
    k = np.arange(n, dtype=np.int64)
    fixed = log2_fixed(n - k) - log2_fixed(k + 1)
    unit = 2**UNIT_BITS
    steps = fixed + log2_fixed(k * unit + alpha[:, None]) - log2_fixed((n - 1 - k) * unit + beta[:, None])
    return np.concatenate([np.zeros((len(alpha), 1), np.int64), np.cumsum(steps, axis=1)], axis=1)


def _leaky_masses(log2_weights: np.ndarray) -> np.ndarray:
    """Masses of at least 1 that sum to 2^16, proportional to 2^log2_weights; rounding's rest goes to the largest."""
    weights = exp2_fixed(log2_weights.max(axis=1, keepdims=True) - log2_weights)
    spare = 2**PRECISION - weights.shape[1]
    masses = 1 + weights * spare // weights.sum(axis=1, keepdims=True)
    largest = np.argmax(weights == EXP2_ONE, axis=1)
    masses[np.arange(len(masses)), largest] += 2**PRECISION - masses.sum(axis=1)
    return masses


def _cumulative(masses: np.ndarray) -> UInt32[np.ndarray, "rows cumulative"]:
    sums = np.cumsum(masses, axis=1)
    return _read_only(np.concatenate([np.zeros((len(sums), 1), np.int64), sums], axis=1).astype(np.uint32))


def _integer_sqrt(x: np.ndarray) -> np.ndarray:
    """Floor of the square root of integers below 2^62, bit by bit."""
    root = np.zeros_like(x)
    for bit in range(30, -1, -1):
        trial = root + (1 << bit)
        root = np.where(trial * trial <= x, trial, root)
    return root


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
