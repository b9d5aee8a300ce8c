"""Runs coders on the targets of channels and computes a row of figures for each coder and channel.

Scalar coders run one search for each dimension, and the bits and steps of a target are the sums over its dimensions.
Coders of blocks run one search for all dimensions of a target.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.provenance import mean, standard_error
from experiments.reporting.verdicts import detected
from experiments.synthetic import codelength
from experiments.synthetic import targets as synthetic
from experiments.synthetic.channels import Family
from experiments.synthetic.coder_styles import LABELS
from experiments.synthetic.coders import APPROXIMATE, EXACT, codes_of, encode_scalars, exact_key
from recjax import randomness
from recjax.rec.base import Encoded, RECAlgorithm, Status

BLOCKS = ("pfr", "pfr_split", "orc_split")
"""Coders of blocks: PFR over the whole space, PFR within bins (both exact), and ORC within bins (fixed candidates)."""


def exact_rows(name: str, families: list[Family], seed: int, budget_log2: int) -> list[dict[str, Any]]:
    """Runs an exact scalar coder in every dimension of every family, in one call.

    Args:
        name: A key of `EXACT`.
        families: Channels to code.
        seed: Seed of the experiment.
        budget_log2: Logarithm (base 2) of the largest number of candidates, for coders in `BY_CANDIDATES`.

    Returns:
        A row for each family, and a second one with coded branches if the coder cuts at samples.
    """
    targets, places = _side_by_side(families)
    key = randomness.fold_in(exact_key(seed, name), targets.mean.shape[1])
    encoded = encode_scalars(EXACT[name](1 << budget_log2), key, targets)
    codes = codes_of(name, key, encoded, targets.mean.shape, budget_log2)
    return [
        _row(coder, family, _summed(bits, place), _columns(encoded, targets, place), seed)
        for coder, bits in codes.items()
        for family, place in zip(families, places, strict=True)
    ]


def fixed_rows(name: str, families: list[Family], seed: int, spare: range, begin: Callable) -> list[dict[str, Any]]:
    """Runs an approximate scalar coder at growing sizes, up to the smallest one without a detected bias.

    Args:
        name: A key of `APPROXIMATE`.
        families: Channels of one dimension.
        seed: Seed of the experiment.
        spare: Sizes to try, in bits above the mutual information.
        begin: Called with a description before each search.

    Returns:
        A row for each family, with the size in bits as "size_log2"; none for a family with a bias at every size.
    """
    rows: list[dict[str, Any]] = []
    todo = list(families)
    for bits in sorted({f.information + more for f in families for more in spare}):
        now = [f for f in todo if bits - f.information in spare]
        if not now:
            continue
        begin(f"{LABELS[name]}, codes of {bits} bits")
        targets, places = _side_by_side(now)
        key = randomness.fold_in(randomness.key(seed), 1, list(APPROXIMATE).index(name), bits)
        encoded = encode_scalars(APPROXIMATE[name](bits), key, targets)
        flat = np.full(targets.mean.shape, float(bits))
        # DAD* and MRC send `bits` bits for every target. ORC prefers small indices, which are coded as those of PFR.
        codes = (
            codelength.in_sample_bits(encoded.code, flat.shape, bits) if name == "orc" else codelength.Bits(flat, flat)
        )
        for family, place in zip(now, places, strict=True):
            row = _row(name, family, _summed(codes, place), _columns(encoded, targets, place), seed)
            if not detected(row):
                rows.append(row | {"size_log2": bits})
                todo.remove(family)
    return rows


def block_rows(
    name: str, algorithm: RECAlgorithm, families: list[Family], seed: int, largest_log2: int
) -> list[dict[str, Any]]:
    """Runs a coder of blocks on all families, in one call.

    Families of fewer dimensions are padded with dimensions that equal the prior.

    Args:
        name: One of `BLOCKS`; those that end in "_split" search within bins.
        algorithm: The coder of this name.
        families: Channels to code.
        seed: Seed of the experiment.
        largest_log2: Logarithm (base 2) of the largest index.

    Returns:
        A row for each family.
    """
    split = name.endswith("_split")
    most = max(f.dims for f in families)
    parts, cuts = zip(*(f.widened(most) for f in families), strict=True)
    targets = synthetic.Targets(*map(np.concatenate, zip(*parts, strict=True)))
    key = randomness.fold_in(randomness.key(seed), 2, BLOCKS.index(name), most)
    intervals = np.concatenate(cuts) if split else None
    encoded = synthetic.search(algorithm, key, targets, intervals, int(np.max(cuts)))
    shape = (len(families), -1)
    by_column = encoded.code._replace(index=encoded.code.index.reshape(shape).T)
    log2_bins = np.array([f.intervals_log2 * f.dims if split else 0.0 for f in families])
    bits = codelength.in_sample_bits(by_column, by_column.index.shape, largest_log2, log2_bins)
    steps, status = (np.asarray(x).reshape(shape) for x in (encoded.info.steps, encoded.info.status))
    sample = np.asarray(encoded.sample).reshape(*steps.shape, most)
    rows = []
    for i, f in enumerate(families):
        own = {code: values[:, i] for code, values in bits._asdict().items()}
        row = _row(name, f, own, (steps[i, :, None], status[i, :, None], sample[i, :, : f.dims]), seed)
        rows.append(row | {"log2_bins": float(log2_bins[i])})
    return rows


def _side_by_side(families: list[Family]) -> tuple[synthetic.Targets, list[slice]]:
    """Returns the targets [run, column] of all dimensions of all families, and the columns of each family."""
    parts = zip(*(f.targets for f in families), strict=True)
    ends = np.cumsum([f.dims for f in families]).tolist()
    places = [slice(end - f.dims, end) for end, f in zip(ends, families, strict=True)]
    return synthetic.Targets(*(np.concatenate(part, axis=1) for part in parts)), places


def _summed(bits: codelength.Bits, place: slice) -> dict[str, np.ndarray]:
    return {code: values[:, place].sum(axis=1) for code, values in bits._asdict().items()}


def _columns(encoded: Encoded, targets: synthetic.Targets, place: slice) -> tuple[np.ndarray, ...]:
    parts = (encoded.info.steps, encoded.info.status, encoded.sample)
    return tuple(np.asarray(part).reshape(targets.mean.shape)[:, place] for part in parts)


def _row(
    name: str, family: Family, bits: dict[str, np.ndarray], searches: tuple[np.ndarray, ...], seed: int
) -> dict[str, Any]:
    """Computes overheads, steps, bias, and counts of searches that did not end as promised.

    The KL of each target is subtracted before averaging, so that the variation of the KL among targets does not add to
    the standard error.

    Args:
        name: Name of the coder.
        family: The channel.
        bits: Codelength of each target, by code ("zeta", "delta").
        searches: Steps and status of the searches of each target, both [run, search], and the samples [run, dim].
        seed: Seed of the tests.

    Returns:
        The row.
    """
    steps, status, sample = searches
    row = {"coder": name} | family.known() | {"runs": len(sample)}
    kl = family.kl_bits
    for code, values in bits.items():
        row |= {f"{code}_overhead": mean(values - kl), f"{code}_overhead_se": standard_error(values - kl)}
    whole = steps.sum(axis=1)
    row |= {"steps": mean(whole), "steps_se": standard_error(whole), "steps_median": float(np.median(whole))}
    for word, value in (("exhausted", Status.BUDGET), ("unsuited", Status.UNSUITED)):
        row |= {word: int((status == value).any(axis=1).sum())}
    return row | synthetic.bias_figures(synthetic.evidence(family.targets, sample, seed))
