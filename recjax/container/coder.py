"""What the module of a file method defines, and what it gives and tells. Imports no JAX."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from recjax.container.file import File


class Compressed(NamedTuple):
    """A file, and what there is to say of it.

    Attributes:
        data: The bytes of the file, which were decoded again.
        sentence: What was done and how large the outcome is, for a person.
        facts: The same by name, for JSON.
    """

    data: bytes
    sentence: str
    facts: dict[str, Any]


class Progress(Protocol):
    """Receives the progress of work in stages."""

    def __call__(self, stage: str, done: int, total: int | None, note: str = "", *, steady: bool = True) -> None:
        """Tells how much of a stage is done.

        Args:
            stage: The name of the stage, which takes the place of the one before.
            done: How much of the stage is done.
            total: How much of it there is, None if that is not known.
            note: What else there is to say, such as the quality so far.
            steady: Whether equal parts of the stage take equal times.
        """


class Coder(Protocol):
    """What the module of a method must define as functions."""

    def load_model(self, name: str | None, images: np.ndarray, method: str, options: Any) -> Any:
        """Loads the model that images are coded with, or decoded.

        Args:
            name: A released model or the path of a trained one; None takes the released one that suits best.
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            method: The name of a method of this module.
            options: An instance of the method's options.

        Returns:
            The model; None for methods without one.

        Raises:
            ValueError: There is no such model, or none for these images.
        """

    def load_named_model(self, name: str) -> Any:
        """Loads the model of a name to decode with.

        Args:
            name: A released model or the path of a trained one.

        Returns:
            The model; None for methods without one.

        Raises:
            ValueError: There is no such model.
        """

    def check_images(self, images: np.ndarray, model: Any) -> None:
        """Checks that images can be coded.

        Args:
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            model: What `load_model` returns.

        Raises:
            ValueError: The model cannot code such images.
        """

    def compress(
        self, images: np.ndarray, model: Any, method: str, options: Any, *, seed: int, progress: Progress | None
    ) -> Compressed:
        """Compresses images to a file, which is decoded again.

        Args:
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            model: What `load_model` returns.
            method: The name of a method of this module.
            options: An instance of the method's options.
            seed: The seed of the randomness that encoder and decoder share.
            progress: Called meanwhile.

        Returns:
            The file, and what there is to say of it.

        Raises:
            ValueError: The model cannot code such images.
        """
        ...

    def decode(
        self,
        file: File,
        model: Any,
        *,
        index: int | None,
        max_bytes: int,
        ignore_fingerprint: bool,
        progress: Callable[[int, int], None] | None,
    ) -> np.ndarray:
        """Decodes the images of a file, or one of them.

        Args:
            file: A parsed file of one of the module's methods.
            model: The model of the file; None takes the released one of the header's digest.
            index: The number of the image, None for all.
            max_bytes: Bytes that the work may take, beyond which it is refused.
            ignore_fingerprint: Whether a file in floats is decoded wherever it was made.
            progress: Called with the numbers of images that are done, and of all.

        Returns:
            All images [count, *shape], or the one [*shape].

        Raises:
            FormatError: The file is damaged, or of another model.
        """
        ...
