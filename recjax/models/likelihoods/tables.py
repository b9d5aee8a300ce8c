"""Integer tables of pixel masses, with a row for each cell of a likelihood's parameter space.

The tables are built on the host with integer arithmetic (int64 and Python integers, and `decimal` for the exponentials
of the few axis values), so every machine builds the same ones. The masses of a row sum to 2^16 and none is 0.
"""

import functools
from decimal import ROUND_HALF_EVEN, Context, Decimal, localcontext

import numpy as np
from jaxtyping import Int32, UInt32

from recjax.models.fixed_point.logarithms import EXP2_ONE, exp2_fixed, log2_fixed

PRECISION = 16
"""Log2 of the sum of the masses of a row."""

MAX_LOGIT = 12
"""Logits are clipped to [-MAX_LOGIT, MAX_LOGIT]."""
MIN_LOG_CONCENTRATION = -4
MAX_LOG_CONCENTRATION = 8
"""Logs of concentrations are clipped to [MIN_LOG_CONCENTRATION, MAX_LOG_CONCENTRATION]."""

LOGIT_STEP_BITS = 5
"""The axis of logits has steps of 2^-5 nats."""

LOGIT_CENTRE = MAX_LOGIT << LOGIT_STEP_BITS
"""Index of the logit 0 on the axis of logits, which has 2 * LOGIT_CENTRE + 1 points."""

CONCENTRATION_STEP_BITS = 2
"""The axis of log concentrations has steps of 2^-2 nats."""

ROWS_PER_DEVIATION = {64: 24, 255: 12}
"""Rows of equal concentration per standard deviation of the estimate of the logit, for n up to 64 and up to 255.

Rounding to the nearest of r rows per deviation costs 1 / (24 r^2) nats on average: 7e-5 and 3e-4.
"""

UNIT_BITS = 40
"""Fraction bits of exponentials and logistic functions."""

_KEPT = 8
"""Size of the caches of tables, which have up to 8 MB each: a process may use models with any numbers of levels."""

# A context of its own, since the program may have changed the default one.
_DECIMALS = Context(prec=40, rounding=ROUND_HALF_EVEN)


@functools.cache
def bernoulli_rows() -> UInt32[np.ndarray, "rows 3"]:
    """Returns the cumulative masses of the values 0 and 1 for each point of the axis of logits."""
    mass = (sigmoids() + 2 ** (UNIT_BITS - PRECISION - 1)) >> (UNIT_BITS - PRECISION)
    mass = np.clip(mass, 1, 2**PRECISION - 1)
    return _cumulative(np.stack([2**PRECISION - mass, mass], axis=1))


@functools.lru_cache(maxsize=_KEPT)
def beta_binomial_rows(n: int) -> UInt32[np.ndarray, "rows cumulative"]:
    """Returns the cumulative masses of the values 0 to n for each pair of parameters.

    Args:
        n: Largest value, 1 to 255.

    Returns:
        A read-only table; `beta_binomial_row_numbers` gives the rows of parameters.
    """
    return _cumulative(_leaky_masses(_row_log2_weights(n)))


@functools.lru_cache(maxsize=_KEPT)
def beta_binomial_split_rows(n: int) -> tuple[UInt32[np.ndarray, "rows"], UInt32[np.ndarray, "rows counts"]]:
    """Returns separate masses for whether a value is 0 and for the values 1 to n, for each pair of parameters.

    With these a value that is certainly 0 does not pay for the least masses of n other values, which cost 0.0056 bits a
    pixel with 256 levels.

    Args:
        n: Largest value, 2 to 255.

    Returns:
        Read-only tables with the rows of `beta_binomial_rows`: the mass of the values above 0, in [1, 2^16 - 1], and
        the cumulative masses of the values 1 to n, given that the value is above 0.
    """
    log2_weights = _row_log2_weights(n)
    weights = exp2_fixed(log2_weights.max(axis=1, keepdims=True) - log2_weights)
    total = weights.sum(axis=1)
    positive = (((total - weights[:, 0]) << PRECISION) + total // 2) // total
    positive = np.clip(positive, 1, 2**PRECISION - 1).astype(np.uint32)
    return _read_only(positive), _cumulative(_leaky_masses(log2_weights[:, 1:]))


@functools.lru_cache(maxsize=1)
def _row_log2_weights(n: int) -> np.ndarray:
    """Computes log2 of the masses of each row up to a constant, in units of 2^-24 (int64 [rows, n + 1])."""
    numbers = beta_binomial_row_numbers(n)
    means = sigmoids()
    totals = _concentrations()
    alphas, betas = [], []
    for numbers_here, total in zip(numbers, totals, strict=True):
        # A row serves a run of logits and has the masses of the middle one.
        first = np.searchsorted(numbers_here, np.arange(numbers_here[0], numbers_here[-1] + 1), side="left")
        last = np.searchsorted(numbers_here, np.arange(numbers_here[0], numbers_here[-1] + 1), side="right") - 1
        for middle in (first + last) // 2:
            alphas.append(max(1, (total * int(means[middle])) >> UNIT_BITS))
            betas.append(max(1, (total * (2**UNIT_BITS - int(means[middle]))) >> UNIT_BITS))
    return _read_only(_log2_weights(n, np.array(alphas), np.array(betas)))


@functools.lru_cache(maxsize=_KEPT)
def beta_binomial_row_numbers(n: int) -> Int32[np.ndarray, "concentrations logits"]:
    """Returns the row of each point (log concentration, logit) of the parameter axes.

    Rows are closer together where the distribution is more sensitive. The Fisher information of the logit is about
    m p (1 - p), where m = n (A + 1) / (A + n) is the number of independent draws that n draws with concentration A are
    worth.

    Args:
        n: Largest value, 1 to 255.

    Returns:
        Numbers of rows, which count on from each concentration to the next.
    """
    means = sigmoids()
    rows_per_deviation = next(rows for largest, rows in ROWS_PER_DEVIATION.items() if n <= largest)
    variances = (means >> 20) * ((2**UNIT_BITS - means) >> 20)
    numbers = np.zeros((len(_concentrations()), len(means)), np.int32)
    next_row = 0
    for concentration, total in enumerate(_concentrations()):
        one = 2**UNIT_BITS
        draws = (n * (total + one) << 12) // (total + n * one)
        # Rows per step of the logit (2^-5), in units of 2^-16: sqrt(draws * variance) * rows per deviation * 2^-5.
        deviations = _integer_sqrt(draws * (variances >> 20))
        arc = np.cumsum(deviations * rows_per_deviation >> LOGIT_STEP_BITS)
        numbers[concentration] = next_row + ((arc - arc[0]) >> 16)
        _, numbers[concentration] = np.unique(numbers[concentration], return_inverse=True)
        numbers[concentration] += next_row
        next_row = int(numbers[concentration, -1]) + 1
    return _read_only(numbers)


@functools.cache
def sigmoids() -> np.ndarray:
    """Returns 1 / (1 + exp(-logit)) of each point of the axis of logits, in units of 2^-40 (int64)."""
    points = range(-LOGIT_CENTRE, LOGIT_CENTRE + 1)
    with localcontext(_DECIMALS):
        values = [2**UNIT_BITS / (1 + (-Decimal(point) / 2**LOGIT_STEP_BITS).exp()) for point in points]
        return _read_only(np.array([int(value.to_integral_value()) for value in values], np.int64))


@functools.cache
def _concentrations() -> tuple[int, ...]:
    """Returns exp of each point of the axis of log concentrations, in units of 2^-40."""
    points = range(
        MIN_LOG_CONCENTRATION << CONCENTRATION_STEP_BITS, (MAX_LOG_CONCENTRATION << CONCENTRATION_STEP_BITS) + 1
    )
    with localcontext(_DECIMALS):
        values = [2**UNIT_BITS * (Decimal(point) / 2**CONCENTRATION_STEP_BITS).exp() for point in points]
        return tuple(int(value.to_integral_value()) for value in values)


def _log2_weights(n: int, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Computes log2 of beta-binomial masses up to a constant per row, in units of 2^-24 ([rows, n + 1]).

    Neighbouring masses have the ratio (n - k) (k + alpha) / ((k + 1) (n - k - 1 + beta)), which needs no gamma
    function.
    """
    k = np.arange(n, dtype=np.int64)
    fixed = log2_fixed(n - k) - log2_fixed(k + 1)
    unit = 2**UNIT_BITS
    steps = fixed + log2_fixed(k * unit + alpha[:, None]) - log2_fixed((n - 1 - k) * unit + beta[:, None])
    return np.concatenate([np.zeros((len(alpha), 1), np.int64), np.cumsum(steps, axis=1)], axis=1)


def _leaky_masses(log2_weights: np.ndarray) -> np.ndarray:
    """Computes masses of at least 1 and of sum 2^16 that are proportional to 2^log2_weights but for rounding.

    The mass that rounding leaves over goes to the largest.
    """
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
    """Computes the floor of the square root of integers below 2^62, bit by bit."""
    root = np.zeros_like(x)
    for bit in range(30, -1, -1):
        trial = root + (1 << bit)
        root = np.where(trial * trial <= x, trial, root)
    return root


def _read_only(array: np.ndarray) -> np.ndarray:
    array.flags.writeable = False
    return array
