"""A table of the methods by which images become files, with one row for each method.

A row says which number and parameters a method has in the header of a file, which options it takes, and which module
implements it. The container reads a header's parameters by it, the command line makes its options and their help from
it, and a file is decoded by the module that its row names. Nothing here imports JAX: modules are given by name and
imported when they are used.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np

    from recjax.container.file import File

MAX_CHUNK_IMAGES = 1 << 14
"""The largest number of images in a chunk."""


class Bounds(NamedTuple):
    """The range of legal values of a parameter.

    Attributes:
        lowest: The lowest legal value.
        highest: The highest legal value.
    """

    lowest: int
    highest: int


class Compressed(NamedTuple):
    """A file, and a report on it.

    Attributes:
        data: The bytes of the file, which was decoded again to check it.
        sentence: What was done and how large the file is, for a person to read.
        facts: The same facts by name, for JSON.
    """

    data: bytes
    sentence: str
    facts: dict[str, Any]


class Progress(Protocol):
    """A callback that receives the progress of work in stages."""

    def __call__(self, stage: str, done: int, total: int | None, note: str = "", *, steady: bool = True) -> None:
        """Reports how much of a stage is done.

        Args:
            stage: The name of the stage. A new name ends the stage before.
            done: How much of the stage is done.
            total: How much the stage has in all; None if that is not known.
            note: A short remark, such as the quality so far.
            steady: Whether equal parts of the stage take equal times.
        """


class Coder(Protocol):
    """The functions that the module of a method must define."""

    def load_model(self, name: str | None, images: "np.ndarray", method: str, options: Any) -> Any:
        """Loads the model that images are to be coded with.

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
        """Loads a model by name, to decode with.

        Args:
            name: A released model or the path of a trained one.

        Returns:
            The model; None for methods without one.

        Raises:
            ValueError: There is no such model.
        """

    def check_images(self, images: "np.ndarray", model: Any) -> None:
        """Checks that a model can code images.

        Args:
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            model: The model that `load_model` returned.

        Raises:
            ValueError: The model cannot code such images.
        """

    def compress(
        self, images: "np.ndarray", model: Any, method: str, options: Any, *, seed: int, progress: Progress | None
    ) -> Compressed:
        """Compresses images to a file, and decodes it again to check it.

        Args:
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            model: The model that `load_model` returned.
            method: The name of a method of this module.
            options: An instance of the method's options.
            seed: The seed of the randomness that encoder and decoder share.
            progress: A callback for progress; None for no reports.

        Returns:
            The file and a report on it.

        Raises:
            ValueError: The model cannot code such images.
        """
        ...

    def decode(
        self,
        file: "File",
        model: Any,
        *,
        index: int | None,
        max_bytes: int,
        ignore_fingerprint: bool,
        progress: Callable[[int, int], None] | None,
    ) -> "np.ndarray":
        """Decodes the images of a file, or one of them.

        Args:
            file: A parsed file of one of the module's methods.
            model: The model of the file; None takes the released one that the header names.
            index: The number of the image; None for all.
            max_bytes: The number of bytes that the work may take; more is refused.
            ignore_fingerprint: Whether a file whose networks are evaluated in floats is decoded although it was made in
                another environment.
            progress: A callback that gets the number of images done and the number of all; None for no reports.

        Returns:
            All images, uint8 [count, *image_shape], or one, uint8 [*image_shape].

        Raises:
            FormatError: The file is damaged, or was made with another model.
        """
        ...


@dataclass(frozen=True)
class FileMethod:
    """A method by which images become a file.

    Attributes:
        name: The name of the method, in options and in the output of `recjax info`.
        number: The number in the header of a file, 0 to 15, which never changes its meaning.
        parameters: The bounds of the header's parameters by name, in the order of the header; only ever appended to.
        coder: The name of the module that implements the method, which defines the functions of `Coder`.
        options: The names of a module that imports no JAX and of the dataclass there that holds the method's options,
            separated by a colon. Its fields are arguments in Python and options on the command line.
        summary: What the method is for, in a few words.
        chosen: Whether a user can select the method by name.
        has_model: Whether the method needs a model, whose digest is then in the header.
        allows_floats: Whether a file may be made with networks that are evaluated in floats, for research.
        lossless: Whether decoding returns exactly the images that were compressed.
        images: Which images the method takes, in words.
        describer: The names of a module that imports no JAX and of a function there, separated by a colon. The function
            takes a parsed file and returns what `recjax info` says beyond the header, by name. Empty if there is
            nothing.
        self_test: The options of the quick self-test of a machine; None if the method takes no part in it.
        references: The options of each reference file of the conformance set that has this method, by the name of the
            file.
    """

    name: str
    number: int
    parameters: Mapping[str, Bounds]
    coder: str
    options: str
    summary: str
    chosen: bool = True
    has_model: bool = True
    allows_floats: bool = False
    lossless: bool = True
    images: str = "images that a model is for"
    describer: str = ""
    self_test: Mapping[str, Any] | None = None
    references: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def decodes_one_alone(self) -> bool:
        """Whether one image can be decoded without decoding others."""
        return "chunk_images" in self.parameters or not self.has_model

    def load_coder(self) -> Any:
        """Imports the module that implements the method, which may import JAX.

        Returns:
            The module; see `Coder`.
        """
        return importlib.import_module(self.coder)

    def load_options(self) -> type[Any]:
        """Imports the dataclass of the method's options, without importing JAX.

        Returns:
            The class; its constructor raises ValueError for a value that is not legal.
        """
        return _named(self.options)

    def load_describer(self) -> Callable[["File"], dict[str, Any]] | None:
        """Imports the function that describes a file, without importing JAX.

        Returns:
            A function from a parsed file to facts by name; None if the method has none.
        """
        return _named(self.describer) if self.describer else None


def _named(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(importlib.import_module(module), name)


_MANY = Bounds(1, MAX_CHUNK_IMAGES)
_BLOCKS = {
    "partition": Bounds(0, 1),
    "candidates_log2": Bounds(0, 30),
    "block_budget_bits_q10": Bounds(0, 1 << 20),
    "index_code": Bounds(0, 255),
}
_PATHS = {"index_code": Bounds(0, 255), "chunk_images": _MANY}
_CHAIN = {"lanes": Bounds(1, 1 << 12), "grid_bits": Bounds(1, 12)}

_SHORT = {"candidates": 64, "block_bits": 6.0}
"""Options of reference files, which keep their searches as short as possible."""


def _vae(
    name: str,
    number: int,
    parameters: Mapping[str, Bounds],
    options: str,
    summary: str,
    references: Mapping[str, Mapping[str, Any]],
    self_test: Mapping[str, Any] | None = None,
) -> FileMethod:
    """Makes the row of a lossless method with a variational autoencoder."""
    return FileMethod(
        name,
        number,
        parameters,
        "recjax.codecs.lossless.method",
        f"recjax.codecs.lossless.options:{options}",
        summary,
        allows_floats=True,
        images="images that a model is for",
        describer="recjax.container.chunks:describe_messages" if "chunk_images" in parameters else "",
        self_test=self_test,
        references=references,
    )


METHODS: dict[str, FileMethod] = {
    method.name: method
    for method in (
        FileMethod(
            "raw",
            0,
            {},
            "recjax.codecs.stored",
            "recjax.codecs.stored:StoredOptions",
            "the images as they are",
            chosen=False,
            has_model=False,
            images="all images",
        ),
        _vae(
            "bb-ans",
            1,
            {**_CHAIN, "initial_bytes": Bounds(0, 1 << 20)},
            "LosslessOptions",
            "one stream, smallest for hundreds of images",
            {"bb-ans": {}},
            {},
        ),
        _vae(
            "pfr",
            2,
            {**_BLOCKS, "chunk_images": _MANY},
            "BlockOptions",
            "each image alone, by exact samples of the posterior",
            {"pfr": _SHORT, "pfr-plain": {"partition": False, **_SHORT}},
            {"candidates": 256},
        ),
        _vae(
            "orc",
            3,
            {**_BLOCKS, "chunk_images": _MANY},
            "BlockOptions",
            "each image alone, the smallest of such files",
            {"orc": _SHORT, "orc-plain": {"partition": False, **_SHORT}},
            {"candidates": 256},
        ),
        _vae(
            "as-star",
            4,
            {"branch_code": Bounds(0, 1), **_PATHS},
            "BranchOptions",
            "each image alone, latent by latent: quicker and larger",
            {"as-star": {}},
        ),
        _vae(
            "ad-star",
            5,
            _PATHS,
            "PathOptions",
            "each image alone, latent by latent, on intervals that are halved",
            {"ad-star": {"index_code": "delta"}},
        ),
        _vae(
            "dad-star",
            6,
            {"max_depth": Bounds(0, 16), **_PATHS},
            "DepthOptions",
            "each image alone, latent by latent, down a tree of limited depth",
            {"dad-star": {"max_depth": 5, "index_code": "zeta"}},
        ),
        _vae(
            "gprs",
            7,
            {"branch_code": Bounds(0, 1), **_PATHS},
            "BranchOptions",
            "each image alone, latent by latent, by rejection sampling",
            {"gprs": {"branch_code": "raw"}},
        ),
        _vae(
            "bb-ans-rec",
            8,
            {**_CHAIN, "rec_images": Bounds(1, 1 << 20), **_BLOCKS},
            "BlockOptions",
            "one stream without initial bits, so for few images too",
            {"bb-ans-rec": _SHORT},
        ),
        FileMethod(
            "inr",
            9,
            {
                "partition": Bounds(0, 3),
                "candidates_log2": Bounds(0, 30),
                "block_budget_bits_q10": Bounds(1, 1 << 20),
                "index_code": Bounds(0, 255),
                "prior": Bounds(0, 15),
                "shift_bits_q10": Bounds(0, 1 << 13),
                "chunk_images": _MANY,
            },
            "recjax.codecs.lossy.method",
            "recjax.codecs.lossy.options:LossyOptions",
            "lossy, of RGB pictures, by networks whose weights are sent",
            lossless=False,
            images="RGB pictures",
            references={"inr": {"bpp": 0.4, "effort": "quick"}},
        ),
    )
}
"""Every method by its name."""


def of_number(number: int) -> FileMethod | None:
    """Looks up a method by its number in a header.

    Args:
        number: The number in the header.

    Returns:
        The row of the method; None if there is none.
    """
    return next((method for method in METHODS.values() if method.number == number), None)


def chosen_method(name: Any) -> FileMethod:
    """Looks up a method that a user selected by name.

    Args:
        name: The name of the method.

    Returns:
        The row of the method.

    Raises:
        ValueError: There is no such method, or it cannot be selected.
    """
    names = [method.name for method in METHODS.values() if method.chosen]
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"unknown method {name!r}; choose one of {', '.join(names)}.")
    return METHODS[name]


def options_of(name: Any, given: Mapping[str, Any]) -> Any:
    """Makes the options of a method.

    Args:
        name: The name of the method.
        given: Option values by name; options that the method does not have may be present if they are None.

    Returns:
        An instance of the method's options.

    Raises:
        ValueError: There is no such method, it has no such option, or a value is not legal.
    """
    method = chosen_method(name)
    kind = method.load_options()
    own = kind.__dataclass_fields__
    for other in sorted(key for key in given if key not in own and given[key] is not None):
        raise ValueError(foreign_option(method, other))
    return kind(**{key: value for key, value in given.items() if key in own})


def foreign_option(method: FileMethod, option: str) -> str:
    """Explains that a method does not have an option.

    Args:
        method: The method.
        option: The name of an option that the method does not have.

    Returns:
        A sentence that names the methods that do have the option.
    """
    owners = [
        other.name for other in METHODS.values() if other.chosen and option in other.load_options().__dataclass_fields__
    ]
    belongs = f", which belongs to {', '.join(owners)}" if owners else ""
    return f"{method.name} has no use for {option}{belongs}; leave it out."
