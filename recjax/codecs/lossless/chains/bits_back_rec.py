"""BB-ANS without initial bits: some images are sent by relative entropy coding, and the chain starts on their bits.

The last images of the file are sent first, by relative entropy coding. The chain pops its first latents from their
bits, where `bits_back` adds initial bits that carry no image. The chain also starts narrow: its first step codes one
image, the next ones two, four and so on up to one image per lane, as each coded image leaves bits for others. So a few
images are enough to start any number of lanes.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from recjax import randomness
from recjax.codecs.lossless import fingerprint
from recjax.codecs.lossless.chains import bits_back, rec_bootstrap
from recjax.codecs.lossless.chains.bits_back import GRID_BITS, SegmentPlaces
from recjax.codecs.lossless.plan import make_decoding_plan, make_plan
from recjax.codecs.lossless.settings import CHAIN_METHOD, Settings, settings_of
from recjax.coding import rans, serialize
from recjax.container import file as container
from recjax.container.file import File, Header
from recjax.errors import FormatError
from recjax.models.vae import evaluate as models
from recjax.models.vae.evaluate import KL_UNIT, Model

_SEGMENT_STEPS = 16
_MAX_LANES_LOG2 = 8

Progress = Callable[[int, int], None]


class Encoding(NamedTuple):
    """Holds a file and how it starts.

    Attributes:
        data: The bytes of the file.
        rec_images: The number of images that were sent by relative entropy coding.
    """

    data: bytes
    rec_images: int


def encode(
    images: np.ndarray, model: Model, settings: Settings, *, seed: int, progress: Progress | None = None
) -> Encoding:
    """Encodes images to a file by BB-ANS that starts on images sent by relative entropy coding.

    If the chain runs out of bits, it is started again on more images.

    Args:
        images: The images, uint8 [count, *shape].
        model: The model.
        settings: How the latents of the first images are sent.
        seed: The seed of the shared randomness.
        progress: Called with the number of images encoded and the number of all; None reports nothing.

    Returns:
        The file, and how many images were sent by relative entropy coding.

    Raises:
        ValueError: The posterior of the model is not made of integers.
    """
    models.require_integer_posterior(model)
    count = len(images)
    flat, key = images.reshape(count, model.pixels), randomness.key(seed)
    plan, private = make_plan(model, settings), randomness.fold_in(key, randomness.PRIVATE)
    lanes = choose_lanes(count, model)
    # A file that needs more than the images' own size is stored raw anyway.
    message = serialize.empty(bits_back.message_capacity(images.size))
    sent, least = 0, 1
    while True:
        while sent < min(max(least, _images_wanted(model, lanes, int(message.size), sent)), count):
            number = count - 1 - sent
            message = rec_bootstrap.push_image(
                model, plan, key, randomness.fold_in(private, number), message, flat[number]
            )
            sent += 1
            if progress:
                progress(sent, count)
        left = count - sent
        # Decoders refuse a chain with more lanes than images.
        lanes = min(lanes, 1 << max(left.bit_length() - 1, 0))
        if left == 0 or int(message.fault):
            lanes, own = 1, message
            break
        own = bits_back.push_images(
            model,
            GRID_BITS,
            key,
            segments_of(left, lanes),
            rec_bootstrap.split(message, lanes),
            flat[:left],
            None if progress is None else lambda done, sent=sent: progress(sent + done, count),
        )
        if not int(own.fault) & rans.UNDERFLOW:
            break
        least = sent + 1 + sent // 16
    parameters = {"lanes": lanes, "grid_bits": GRID_BITS, "rec_images": sent, **settings.parameters}
    header = Header(CHAIN_METHOD, bytes.fromhex(model.digest[:16]), count, images.shape[1:], seed, parameters)
    header = fingerprint.marked(header, model, batch_sizes(header))
    return Encoding(container.write(header, [serialize.to_bytes(own)]), sent)


def decode(file: File, model: Model, *, progress: Progress | None = None) -> np.ndarray:
    """Decodes all images of a file made by `encode`.

    Args:
        file: The parsed file.
        model: The model that made it.
        progress: Called with the number of images decoded and the number of all; None reports nothing.

    Returns:
        The images, uint8 [count, *shape].

    Raises:
        FormatError: The file is damaged: the images do not use up its bits exactly, or its numbers of images or lanes
            are impossible.
    """
    bits_back.require_decodable(model)
    header, body = file.header, file.chunk(0)
    count, lanes, sent = header.count, header.parameters["lanes"], header.parameters["rec_images"]
    left = count - sent
    if left < 0:
        raise FormatError(f"the file starts on {sent} images and holds {count}; it is damaged.")
    bits_back.require_lanes(lanes, left)
    plan, key = make_decoding_plan(model, settings_of(header, model)), randomness.key(header.seed)
    capacity = bits_back.message_capacity(len(body) + 4 * bits_back.step_bytes(lanes, model))
    message = serialize.from_bytes(body, lanes, capacity)
    message, chained = bits_back.pop_images(
        model,
        header.parameters["grid_bits"],
        key,
        segments_of(left, lanes),
        message,
        bits_back.counted(progress, count),
    )
    message = rec_bootstrap.join(message)
    images = [chained]
    for done in range(left, count):
        message, image = rec_bootstrap.pop_image(model, plan, key, message)
        images.append(np.asarray(image)[None])
        if progress:
            progress(done + 1, count)
    rec_bootstrap.require_empty(message)
    return np.concatenate(images).reshape(count, *header.image_shape)


def batch_sizes(header: Header) -> set[int]:
    """Returns the numbers of images that a decoder evaluates at a time.

    Args:
        header: The header of the file.

    Returns:
        The set of these numbers: 1 for the images sent by relative entropy coding, and the number of lanes for the
        chain.
    """
    return {1, header.parameters["lanes"]}


def choose_lanes(count: int, model: Model) -> int:
    """Chooses the number of lanes so that they cost at most about 0.1% of the file, at a byte each.

    Args:
        count: The number of images.
        model: The model.

    Returns:
        A power of four, so that few numbers are compiled, from 1 to 256.
    """
    expected_bytes = count * model.pixels * bits_back.expected_bits_per_pixel(model) / 8
    affordable = max(1, min(int(expected_bytes / 1000), count // 8))
    return 1 << min((affordable.bit_length() - 1) & ~1, _MAX_LANES_LOG2)


def segments_of(count: int, lanes: int) -> list[SegmentPlaces]:
    """Arranges the images of a chain in segments of steps, in the order of decoding.

    Decoding begins with the steps that use all lanes, and ends with steps of ..., 4, 2 and 1 images. The very first
    step has the images that are left over. The last segment is filled up with steps without images.

    Args:
        count: The number of images in the chain.
        lanes: The number of lanes, a power of two.

    Returns:
        The places of the images of each segment.
    """
    narrow = [1 << k for k in range(lanes.bit_length() - 1)]
    while sum(narrow) > count:
        narrow.pop()
    full, rest = divmod(count - sum(narrow), lanes)
    widths = np.array(([rest] if rest else []) + full * [lanes] + narrow[::-1], np.int64)
    steps = -(-len(widths) // _SEGMENT_STEPS) * _SEGMENT_STEPS
    widths = np.concatenate([widths, np.zeros(steps - len(widths), np.int64)])
    lane = np.arange(lanes)
    number = (np.cumsum(widths) - widths)[:, None] + lane
    places = SegmentPlaces(number.astype(np.int32), lane < widths[:, None])
    return [SegmentPlaces(*(part[k : k + _SEGMENT_STEPS] for part in places)) for k in range(0, steps, _SEGMENT_STEPS)]


def _images_wanted(model: Model, lanes: int, size: int, sent: int) -> int:
    """Estimates how many images must be sent before the chain can start, if `sent` of them took `size` bytes."""
    if sent == 0:
        return 1
    each_bits = max(8 * size / sent, 1.0)
    borrowed_bits = GRID_BITS * model.latents - float(np.sum(model.kl_bits)) / KL_UNIT
    # A step of w images comes after steps of 1, 2, 4, ..., w / 2 images, which are w - 1 images together.
    steps = [1 << k for k in range(lanes.bit_length())]
    needed = max(0.0, *(width * borrowed_bits - (width - 1) * each_bits for width in steps))
    return max(1, int(np.ceil((needed + 24 * (lanes - 1) + 8) / each_bits)))
