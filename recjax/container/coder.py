"""The functions that the module of a method must define, and the types that they take and return. Imports no JAX."""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from recjax.container.file import File


class Compressed(NamedTuple):
    """Holds a compressed file and what to report about it.

    Attributes:
        data: The bytes of the file, which was decoded again to check it.
        sentence: What was done and how large the file is, as a sentence for a person.
        facts: Further facts that the method adds to the report, by name, as JSON values.
    """

    data: bytes
    sentence: str
    facts: dict[str, Any]


class Progress(Protocol):
    """Describes a callback that receives the progress of work that goes through stages."""

    def __call__(self, stage: str, done: int, total: int | None, note: str = "", *, steady: bool = True) -> None:
        """Reports how much of a stage is done.

        Args:
            stage: The name of the stage; a new name starts a new stage, and the one before counts as finished.
            done: How much of the stage is done, in units of `total`.
            total: How much the stage consists of; None if that is not known.
            note: Further text to show, such as the quality so far.
            steady: Whether equal parts of the stage take equal times, so that a remaining time can be estimated.
        """


class Coder(Protocol):
    """Lists the functions that the module of a method must define."""

    def load_model(self, name: str | None, images: np.ndarray, method: str, options: Any) -> Any:
        """Loads the model to encode images with.

        Args:
            name: The name of a released model, or the path of a trained one; None takes the released model that suits
                best.
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            method: The name of a method of this module.
            options: An instance of the method's options.

        Returns:
            The model; None for methods without one.

        Raises:
            ValueError: There is no such model, or no released model for these images.
        """

    def load_named_model(self, name: str) -> Any:
        """Loads a model by its name.

        Args:
            name: The name of a released model, or the path of a trained one.

        Returns:
            The model; None for methods without one.

        Raises:
            ValueError: There is no such model.
        """

    def check_images(self, images: np.ndarray, model: Any) -> None:
        """Checks that a model can code images.

        Args:
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            model: What `load_model` returned.

        Raises:
            ValueError: The model cannot code these images.
        """

    def compress(
        self, images: np.ndarray, model: Any, method: str, options: Any, *, seed: int, progress: Progress | None
    ) -> Compressed:
        """Compresses images to a file, and decodes it again to check it.

        Args:
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            model: What `load_model` returned.
            method: The name of a method of this module.
            options: An instance of the method's options.
            seed: The seed of the randomness that encoder and decoder share, in [0, 2^64); it is stored in the file.
            progress: Called while the work goes on; None reports nothing.

        Returns:
            The file and what to report about it.

        Raises:
            ValueError: The model cannot code these images.
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
        """Decodes all images of a file, or one of them.

        Args:
            file: A parsed file of one of the module's methods.
            model: The model that made the file; None takes the released model whose digest the header states.
            index: The number of an image, from 0; None decodes all.
            max_bytes: Largest number of bytes that decoding may take; more is refused.
            ignore_fingerprint: Whether to decode a file that was made with float arithmetic even if floats come out
                differently here, in which case the images may be garbage.
            progress: Called with the number of images decoded and the number of all; None reports nothing.

        Returns:
            All images [count, *shape], or the one image [*shape].

        Raises:
            FormatError: The file is damaged, or was made with another model.
        """
        ...
