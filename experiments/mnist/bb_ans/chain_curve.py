"""Measures the cost of a bits-back chain by its length: real files of disjoint runs of images, each decoded again."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from experiments.lossless.subsets import disjoint_runs
from experiments.provenance import mean, standard_error
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.chains import bits_back
from recjax.models.vae.evaluate import Model


def measure(
    model: Model,
    images: UInt8[np.ndarray, "images height width"],
    ideal_bits: Float[np.ndarray, "images"],
    counts: Sequence[int],
    most_files: int,
    progress: Callable[[str], None] = lambda text: None,
) -> list[dict[str, Any]]:
    """Measures chains of each length that the images allow.

    Args:
        model: The model.
        images: The images.
        ideal_bits: -ELBO of each image, in bits.
        counts: The numbers of images of a chain; those above the number of images are left out.
        most_files: The largest number of files, each of different images, that a length is averaged over.
        progress: Called with a text before each length.

    Returns:
        A row for each length, with means over the files in bits per pixel: `gross` of whole files and `net` without the
        initial bits, both with standard errors, and `ideal`, -ELBO of the same images.

    Raises:
        RuntimeError: A file does not decode to its images.
    """
    rows = []
    for count in [count for count in counts if count <= len(images)]:
        progress(f"chains of {count:,}")
        starts = disjoint_runs(len(images), count, most_files)
        found = [_one_file(model, images[start : start + count], seed) for seed, start in enumerate(starts)]
        dims = count * model.pixels
        gross = [bits / dims for bits, _ in found]
        net = [(bits - initial) / dims for bits, initial in found]
        rows.append(
            {
                "count": count,
                "files": len(starts),
                "gross_bits_per_dim": mean(gross),
                "gross_bits_per_dim_se": standard_error(gross),
                "net_bits_per_dim": mean(net),
                "net_bits_per_dim_se": standard_error(net),
                "ideal_bits_per_dim": mean([ideal_bits[start : start + count].sum() / dims for start in starts]),
                "initial_bits": mean([initial for _, initial in found]),
            }
        )
    return rows


def _one_file(model: Model, images: np.ndarray, seed: int) -> tuple[float, float]:
    """Returns the bits of a file that decodes to the images, and the initial bits among them."""
    data, initial_bits = bits_back.encode(images, model, seed=seed)
    if not np.array_equal(lossless.decompress(data, model=model), images):
        raise RuntimeError(f"a chain of {len(images)} images must decode to them, and did not; report it.")
    return 8.0 * len(data), float(initial_bits)
