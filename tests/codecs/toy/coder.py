"""A method of its own folder: zlib of raw bytes, of an asked-for level. It stands for any method that may be added."""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from recjax.codecs import stored
from recjax.codecs.checks import whole_number
from recjax.codecs.sentences import size_of
from recjax.container import file as container
from recjax.container.coder import Compressed
from recjax.container.file import Header
from recjax.container.methods import Bounds, FileMethod
from recjax.errors import FormatError


@dataclass(frozen=True)
class Options:
    """The options of the method."""

    level: int = 6
    """How hard to try, from 0 to 9."""

    def __post_init__(self) -> None:
        whole_number("level", self.level, 0, 9)


load_model, load_named_model, check_images = stored.load_model, lambda name: None, stored.check_images


def compress(images, model, method, options, *, seed=0, progress=None) -> Compressed:
    """Compresses images."""
    header = Header(method, bytes(8), len(images), images.shape[1:], seed, {"level": options.level})
    if progress is not None:
        progress("encoding", len(images), len(images))
    data = container.write(header, [zlib.compress(images.tobytes(), options.level)])
    assert np.array_equal(decode(container.read(data)), images)
    return Compressed(data, f"{size_of(len(images), len(data), images.size)} Deflated.", {"deflated": True})


def decode(file, model=None, *, index=None, progress=None, **_: Any) -> np.ndarray:
    """Decodes images."""
    try:
        data = zlib.decompress(file.chunk(0))
    except zlib.error as error:
        raise FormatError(f"the images cannot be inflated ({error}); the file is damaged.") from error
    images = np.frombuffer(data, np.uint8).reshape(file.header.count, *file.header.image_shape)
    return images if index is None else images[index]


def describe(file) -> dict[str, Any]:
    """Tells the size of what is deflated."""
    return {"deflated_bytes": len(file.chunk(0))}


ROW = FileMethod(
    "toy",
    15,
    {"level": Bounds(0, 9)},
    "tests.codecs.toy.coder",
    "tests.codecs.toy.coder:Options",
    "images as zlib deflates them",
    has_model=False,
    images="images of any kind",
    describer="tests.codecs.toy.coder:describe",
    self_test={"level": 1},
)
