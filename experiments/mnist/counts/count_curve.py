"""Measures the cost of an image by the number of images in a file: real files of disjoint runs, each decoded again.

Each run is coded in three ways: by bits-back with initial bits, by bits-back that starts on images sent by relative
entropy coding, and with each image on its own. Images on their own are searched once; the files of runs contain the
messages of that search.
"""

import time
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from experiments.lossless.single_image_files import Alone, Images, alone, warm_up_images
from experiments.provenance import mean, standard_error
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless import relative_entropy
from recjax.codecs.lossless.chains import bits_back, bits_back_rec
from recjax.codecs.lossless.settings import Settings
from recjax.container import file as container
from recjax.models.vae.evaluate import Model

METHODS = ("bb-ans", "bb-ans-rec", "orc")


class Sent(NamedTuple):
    """Holds a file and what it consists of.

    Attributes:
        data: The bytes of the file.
        message_bits: Bits of its messages, without header, directory and checksums.
        initial_bits: The initial bits of a bits-back chain.
        rec_images: The number of images at the start of a chain that are sent by relative entropy coding.
    """

    data: bytes
    message_bits: int
    initial_bits: int = 0
    rec_images: int = 0


class Coder(NamedTuple):
    """Makes and checks files of runs of images.

    Attributes:
        model: The model.
        images: All images.
        settings: How an image is coded on its own.
        found: The messages of all images, each coded on its own.
    """

    model: Model
    images: Images
    settings: Settings
    found: Alone

    def encode(self, method: str, start: int, count: int, seed: int) -> Sent:
        """Makes the file of a run of images.

        Args:
            method: One of METHODS.
            start: The first image of the run.
            count: The number of images.
            seed: The seed of a chain; images on their own do not use it.

        Returns:
            The file.
        """
        if method == "orc":
            return Sent(self.found.file(start, count), self.found.message_bits(start, count))
        run = self.images[start : start + count]
        initial_bits = rec_images = 0
        if method == "bb-ans":
            data, initial_bits = bits_back.encode(run, self.model, seed=seed)
        else:
            data, rec_images = bits_back_rec.encode(run, self.model, self.settings, seed=seed)
        return Sent(data, 8 * len(container.read(data).chunk(0)), initial_bits, rec_images)

    def check(self, data: bytes, start: int, count: int) -> None:
        """Checks that a file decodes to a run of images.

        Args:
            data: The bytes of the file.
            start: The first image of the run.
            count: The number of images.

        Raises:
            RuntimeError: It does not.
        """
        if not np.array_equal(lossless.decompress(data, model=self.model), self.images[start : start + count]):
            raise RuntimeError(f"a file of {count} images must decode to them, and did not; report it.")


def search(model: Model, images: Images, settings: Settings) -> tuple[Coder, float]:
    """Searches all images, each on its own, after a warm-up that compiles the searches.

    Args:
        model: The model.
        images: The images.
        settings: How an image is coded on its own.

    Returns:
        The coder, and the number of images coded per second.
    """
    relative_entropy.encode(warm_up_images(images), model, settings, seed=0)
    start = time.perf_counter()
    found = alone(relative_entropy.encode(images, model, settings, seed=0).data)
    return Coder(model, images, settings, found), len(images) / (time.perf_counter() - start)


def measure(coder: Coder, bound_bits: Float[np.ndarray, "images"], count: int, starts: Sequence[int]) -> dict[str, Any]:
    """Measures files of runs of one length by every method.

    Args:
        coder: The coder.
        bound_bits: -ELBO of each image, in bits.
        count: The number of images of a run.
        starts: The first image of each run; run k uses the seed k.

    Returns:
        Bits per image with standard errors over the runs: -ELBO (`bound`), and for each method those of the whole file
        (`file`), of its messages (`message`) and of the file less its initial bits (`net`).

    Raises:
        RuntimeError: A file does not decode to its images.
    """
    row: dict[str, Any] = {"count": count, "runs": len(starts)}
    row |= _figures("bound", [bound_bits[start : start + count].mean() for start in starts])
    for method in METHODS:
        sent = []
        for seed, start in enumerate(starts):
            sent.append(coder.encode(method, start, count, seed))
            coder.check(sent[-1].data, start, count)
        row[method] = {
            **_figures("file", [8 * len(one.data) / count for one in sent]),
            **_figures("message", [one.message_bits / count for one in sent]),
            **_figures("net", [(8 * len(one.data) - one.initial_bits) / count for one in sent]),
            "initial_bits": mean([one.initial_bits for one in sent]),
            "rec_images": mean([one.rec_images for one in sent]),
            "lanes": container.read(sent[-1].data).header.parameters.get("lanes"),
        }
    return row


def speeds(coder: Coder, count: int, method: str) -> dict[str, float]:
    """Times coding and decoding of a file of the first images; a file of the same shape must have been coded before.

    Args:
        coder: The coder.
        count: The number of images.
        method: One of METHODS.

    Returns:
        Images per second of both directions.
    """
    start = time.perf_counter()
    data = coder.encode(method, 0, count, 0).data
    encoded = time.perf_counter()
    coder.check(data, 0, count)
    decoded = time.perf_counter()
    return {
        "encode_images_per_second": count / (encoded - start),
        "decode_images_per_second": count / (decoded - encoded),
    }


def _figures(name: str, bits: Sequence[float]) -> dict[str, float | None]:
    return {f"{name}_bits": mean(bits), f"{name}_bits_se": standard_error(bits)}
