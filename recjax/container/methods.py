"""The methods by which images become files: one row each, which everything else reads.

A row says how a file's header states the method, which options it takes, and which module codes with it. The container
reads the parameters of a header from this table, the command line makes its options and their help from it, and files
are decoded by the module that their row names. Nothing here imports JAX: modules are named, and imported when used.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    import numpy as np

    from recjax.container.file import File

MAX_CHUNK_IMAGES = 1 << 14
"""Images of a chunk, at most."""


class Bounds(NamedTuple):
    """The lowest and the highest legal value of a parameter.

    Attributes:
        lowest: The least legal value.
        highest: The largest legal value.
    """

    lowest: int
    highest: int


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
    """The functions that the module of a method must define."""

    def load_model(self, name: str | None, images: "np.ndarray", method: str, options: Any) -> Any:
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

    def check_images(self, images: "np.ndarray", model: Any) -> None:
        """Checks that images can be coded.

        Args:
            images: The images, uint8 [count, height, width] or [count, height, width, channels].
            model: What `load_model` returns.

        Raises:
            ValueError: The model cannot code such images.
        """

    def compress(
        self, images: "np.ndarray", model: Any, method: str, options: Any, *, seed: int, progress: Progress | None
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


@dataclass(frozen=True)
class FileMethod:
    """A method by which images become a file.

    Attributes:
        name: The name in options, and what `recjax info` prints.
        number: The number in the header of a file, 0 to 15, which never changes its meaning.
        parameters: Bounds of the header's parameters by name, in the order of the header; append only.
        coder: The name of the module that codes, which defines the functions of `Coder`.
        options: The names of a module that imports no JAX, and of the dataclass of the method's options there, divided
            by a colon; its fields are arguments in Python and options on the command line.
        summary: What the method is for, in a few words.
        chosen: Whether a person can ask for it by name.
        has_model: Whether the header holds the digest of a model.
        allows_floats: Whether a file may be made with networks in floats, for research.
        lossless: Whether decoded images are the images that were compressed.
        images: Which images it takes, in words.
        describer: The names of a module that imports no JAX, and of a function there from a parsed file to what
            `recjax info` says beyond the header, by name; empty if there is nothing.
        self_test: The options of a quick test of a machine; None if the method takes no part in it.
        references: Options by the name of a file of the conformance set that has them.
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
        """Whether one image can be decoded without the others."""
        return "chunk_images" in self.parameters or not self.has_model

    def load_coder(self) -> Any:
        """Imports the module that codes, which may import JAX.

        Returns:
            The module; see `Coder`.
        """
        return importlib.import_module(self.coder)

    def load_options(self) -> type[Any]:
        """Imports the dataclass of the options, without JAX.

        Returns:
            The class; its constructor raises ValueError for a value that is not legal.
        """
        return _named(self.options)

    def load_describer(self) -> Callable[["File"], dict[str, Any]] | None:
        """Imports the function that describes a file, without JAX.

        Returns:
            A function from a parsed file to facts by name; None if there is none.
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
"""Options of reference files, whose searches are as short as they can be."""


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
    """Looks up the method of a number in a header.

    Args:
        number: The number in the header.

    Returns:
        The row of the method; None if there is none.
    """
    return next((method for method in METHODS.values() if method.number == number), None)


def chosen_method(name: Any) -> FileMethod:
    """Looks up a method that a person asks for.

    Args:
        name: The name of the method.

    Returns:
        The row of the method.

    Raises:
        ValueError: There is no such method to choose.
    """
    names = [method.name for method in METHODS.values() if method.chosen]
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"unknown method {name!r}; choose one of {', '.join(names)}.")
    return METHODS[name]


def options_of(name: Any, given: Mapping[str, Any]) -> Any:
    """Makes the options of a method.

    Args:
        name: The name of the method.
        given: Values by name; those that the method does not have may be there as None.

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
    """Says that a method has no use for an option.

    Args:
        method: The method.
        option: The name of an option, which the method does not have.

    Returns:
        A sentence that names the methods to which the option belongs.
    """
    owners = [
        other.name for other in METHODS.values() if other.chosen and option in other.load_options().__dataclass_fields__
    ]
    belongs = f", which belongs to {', '.join(owners)}" if owners else ""
    return f"{method.name} has no use for {option}{belongs}; leave it out."
