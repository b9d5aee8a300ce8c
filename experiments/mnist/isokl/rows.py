"""Measures files whose latents are sent one by one: each scalar coder with each code of depths, from one search."""

import math
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.lossless.elbo_with_search import SearchBound, kl_bits
from experiments.lossless.rates import bias_of
from experiments.lossless.single_image_files import Images, payload_bits
from experiments.provenance import mean, standard_error
from recjax import randomness
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.lossless.learned_codes import LEARNING_SEED, learn_index_counts
from recjax.codecs.lossless.plan import make_plan
from recjax.codecs.lossless.relative_entropy import Encoding
from recjax.codecs.lossless.report import draw_again, ideal_bits_of_searches
from recjax.codecs.lossless.resolve import make_settings
from recjax.codecs.lossless.settings import Settings
from recjax.codecs.plan import code_bits
from recjax.models.vae.evaluate import Model
from recjax.models.vae.model import KAPPA_FRACTION_BITS
from recjax.rec.base import Status

CODERS = (("as-star", "raw"), ("as-star", "arithmetic"), ("ad-star", None), ("dad-star", None))
"""The method of each coder and its code of the branches of a path; None if the method has only one."""

CODES = ("zeta", "delta", "learned")
"""Codes of depths; the search runs with the first, and the others send the samples that it selected."""

COVERED = 0.999
"""The share of latents of training images whose KL divergence the depth of DAD* covers if divergences differ."""

MOST_DEPTH = 12


class Part(NamedTuple):
    """Holds the images of a seed with their -ELBO.

    Attributes:
        seed: The seed.
        images: The images.
        bound: The two terms of -ELBO of each image.
    """

    seed: int
    images: Images
    bound: SearchBound


class _Sent(NamedTuple):
    """Holds a file that was decoded and compared, and the seconds of encoding and decoding."""

    encoding: Encoding
    encode_seconds: float
    decode_seconds: float


def depth_for(model: Model, images: Images, slack: int) -> int:
    """Chooses the depth of the trees of DAD*: the KL of a latent in bits, rounded up, and some more against bias.

    For IsoKL posteriors the KL is the largest kappa. Other posteriors have no common KL; then it is the value that a
    share COVERED of the latents of the images stays below.

    Args:
        model: The model.
        images: Training images.
        slack: The number of branches beyond the KL.

    Returns:
        The largest number of branches of a path, at most MOST_DEPTH.
    """
    if model.kappa_nats_q16 is None:
        largest = float(np.quantile(kl_bits(model, images), COVERED))
    else:
        largest = float(np.max(model.kappa_nats_q16)) / (1 << KAPPA_FRACTION_BITS) / math.log(2)
    return min(math.ceil(largest) + slack, MOST_DEPTH)


def learned(model: Model, images: Images, depth: int) -> Model:
    """Adds to a model the codes of depths for all coders, learned on images.

    Args:
        model: The model.
        images: Training images.
        depth: The depth of the trees of DAD*.

    Returns:
        The model with the learned codes.
    """
    settings = [settings_of(model, method, branches, CODES[0], depth) for method, branches in CODERS]
    return learn_index_counts(model, images, {one.histogram: one for one in settings}.values(), seed=LEARNING_SEED)


def settings_of(model: Model, method: str, branch_code: str | None, index_code: str, depth: int) -> Settings:
    """Makes the codec's settings of a coder with a code of depths.

    Args:
        model: The model.
        method: The method of the coder.
        branch_code: The code of the branches of a path; None if the method has only one.
        index_code: The code of depths, one of CODES.
        depth: The depth of the trees of DAD*; other methods do not use it.

    Returns:
        The settings.
    """
    max_depth = depth if method == "dad-star" else None
    settings = make_settings(model, method, branch_code=branch_code, index_code=index_code, max_depth=max_depth)
    assert settings is not None
    return settings


def measure(
    model: Model, method: str, branch_code: str | None, parts: Sequence[Part], depth: int, folder: Path
) -> dict[str, Any]:
    """Measures a coder with every code of depths, over seeds that code their own images.

    Args:
        model: The model, which must have learned codes of depths.
        method: The method of the coder.
        branch_code: The code of the branches of a path; None if the method has only one.
        parts: The images of each seed.
        depth: The depth of the trees of DAD*.
        folder: The output folder.

    Returns:
        The row: means over the seeds, with the figures of each code in `codes`. Speeds are those of the first code and
        include the search.

    Raises:
        RuntimeError: A file does not decode to its images.
    """
    row_settings = {code: settings_of(model, method, branch_code, code, depth) for code in CODES}
    found: dict[str, list[dict[str, float]]] = {code: [] for code in CODES}
    searched, draws, likelihood = [], [], []
    for part in parts:
        before = None
        for code, settings in row_settings.items():
            sent = _sent(part, model, settings, before, folder / f"{method}.rjx")
            found[code].append(_figures(part, model, settings, sent.encoding))
            if before is None:
                before = sent.encoding
                searched.append(sent)
        assert before is not None
        about = (part.images, model, row_settings[CODES[0]])
        bits = ideal_bits_of_searches(*about, before, seed=part.seed)[1]
        likelihood.append(float(np.sum(bits)) / part.images.size)
        draws.append(draw_again(*about, seed=part.seed))
    count, encodings = len(parts[0].images), [sent.encoding for sent in searched]
    status = np.concatenate([encoding.info.status for encoding in encodings])
    return {
        "method": method,
        "branch_code": branch_code,
        "max_depth": depth if method == "dad-star" else None,
        "codes": {code: _over_seeds(values) for code, values in found.items()},
        "likelihood_bits_per_dim": mean(likelihood),
        "steps": mean([mean(encoding.info.steps) for encoding in encodings]),
        "depth": mean([mean(encoding.info.log2_index) for encoding in encodings]),
        "encode_milliseconds": 1000 * statistics.median(sent.encode_seconds for sent in searched) / count,
        "decode_milliseconds": 1000 * statistics.median(sent.decode_seconds for sent in searched) / count,
        "exhausted": int(np.sum(status == Status.BUDGET)),
        "unsuited": int(np.sum(status == Status.UNSUITED)),
        "searches": status.size,
        **bias_of(draws),
    }


def _sent(part: Part, model: Model, settings: Settings, before: Encoding | None, path: Path) -> _Sent:
    """Writes a file, reads it, decodes it and compares."""
    start = time.perf_counter()
    encoding = relative_entropy.encode(part.images, model, settings, seed=part.seed, found_before=before)
    encoded = time.perf_counter()
    path.write_bytes(encoding.data)
    data, read = path.read_bytes(), time.perf_counter()
    decoded = lossless.decompress(data, model=model)
    seconds = time.perf_counter() - read
    if not np.array_equal(decoded, part.images):
        raise RuntimeError(f"a file of {len(part.images)} images must decode to them, and did not; report it.")
    return _Sent(encoding, encoded - start, seconds)


def _figures(part: Part, model: Model, settings: Settings, encoding: Encoding) -> dict[str, float]:
    """Returns the figures of the file of a seed; rates are in bits per pixel."""
    dims = part.images.size
    payload = payload_bits(encoding.data) / dims
    code = code_bits(make_plan(model, settings), randomness.key(part.seed), encoding.code)
    return {
        "payload_bits_per_dim": payload,
        "file_bits_per_dim": 8 * len(encoding.data) / dims,
        "overhead": payload * dims / float(part.bound.bits.sum()) - 1.0,
        "code_bits_per_image": mean(code),
        "over_kl_bits_per_latent": (mean(code) - mean(part.bound.kl_bits.sum(axis=1))) / model.latents,
    }


def _over_seeds(values: Sequence[dict[str, float]]) -> dict[str, Any]:
    """Returns means and standard errors over seeds, and the payload of each seed, whose images all models share."""
    merged: dict[str, Any] = {"seeds_payload_bits_per_dim": [value["payload_bits_per_dim"] for value in values]}
    for name in values[0]:
        column = [value[name] for value in values]
        merged |= {name: mean(column), f"{name}_se": standard_error(column)}
    return merged
