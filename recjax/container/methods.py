"""The table of methods that turn images into files: one row per method, which every other part of recjax reads.

A row states the method's name and number, the parameters in a file's header, the options that a caller may give, and
the module that encodes and decodes. The container parses headers by this table, the command line makes its options and
their help from it, and a file is decoded by the module that the row of its method names. Nothing here imports JAX:
modules are given by name and imported when they are used.
"""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

MAX_CHUNK_IMAGES = 1 << 14
"""Largest number of images in a chunk."""


class Bounds(NamedTuple):
    """Holds the lowest and the highest legal value of a header parameter.

    Attributes:
        lowest: The lowest legal value.
        highest: The highest legal value, included.
    """

    lowest: int
    highest: int


@dataclass(frozen=True)
class FileMethod:
    """Describes a method that turns images into a file.

    Attributes:
        name: The name of the method in options, and in what `recjax info` prints.
        number: The number in the header of a file, 0 to 15, which never changes its meaning.
        parameters: Bounds of the header's parameters by name, in the order of the header; append only.
        coder: The name of the module that encodes and decodes, which defines the functions of
            `recjax.container.coder.Coder`.
        options: Where the dataclass of the method's options is, as "module:class"; the module imports no JAX. The
            fields are keyword arguments in Python and options on the command line.
        summary: What the method is for, in a few words.
        chosen: Whether a user can choose the method by name; the others are used as a fallback.
        has_model: Whether the header states the digest of a model.
        allows_floats: Whether a file may be made with networks in float arithmetic, for research.
        lossless: Whether the decoded images equal those that were compressed.
        images: The kind of images that the method takes, in words.
        describer: Where the function is that tells `recjax info` more than the header does, as "module:function"; it
            maps a parsed file to facts by name, and the module imports no JAX. Empty if there is none.
        self_test: The options of a quick self-test of a machine; None if the method takes no part in it.
        references: The options of each file of the conformance set that this method makes, by the name of that file.
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
        """Tells whether one image can be decoded without decoding others."""
        return "chunk_images" in self.parameters or not self.has_model

    def load_coder(self) -> Any:
        """Imports the module that encodes and decodes, which may import JAX.

        Returns:
            The module, which has the functions of `recjax.container.coder.Coder`.
        """
        return importlib.import_module(self.coder)

    def load_options(self) -> type[Any]:
        """Imports the dataclass of the method's options, without JAX.

        Returns:
            The class; its constructor raises ValueError for an illegal value.
        """
        return _named(self.options)

    def load_describer(self) -> Callable[[Any], dict[str, Any]] | None:
        """Imports the function that describes a file beyond its header, without JAX.

        Returns:
            A function that maps a parsed file to facts by name; None if the method has none.
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
"""Options of the reference files, whose searches are kept as short as possible."""


def _vae(
    name: str,
    number: int,
    parameters: Mapping[str, Bounds],
    options: str,
    summary: str,
    references: Mapping[str, Mapping[str, Any]],
    self_test: Mapping[str, Any] | None = None,
) -> FileMethod:
    """Makes the row of a lossless method that codes with a variational autoencoder."""
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
            "each image alone, latent by latent, on halved intervals",
            {"ad-star": {"index_code": "delta"}},
        ),
        _vae(
            "dad-star",
            6,
            {"max_depth": Bounds(0, 16), **_PATHS},
            "DepthOptions",
            "each image alone, latent by latent, in a tree of limited depth",
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
        FileMethod(
            "pixel-network",
            10,
            {"side_log2": Bounds(5, 8), "stream_tiles": Bounds(1, 1 << 12), "chunk_images": _MANY},
            "recjax.codecs.pixel_network.method",
            "recjax.codecs.pixel_network.options:PixelOptions",
            "pictures of any size, pixel by pixel",
            images="grey and RGB pictures of any size",
            describer="recjax.container.chunks:describe_streams",
            self_test={},
            references={"tiles": {}, "archive": {}, "column": {}, "row": {}},
        ),
    )
}
"""All methods, by name."""


def of_number(number: int) -> FileMethod | None:
    """Looks up the method of a number in a header.

    Args:
        number: The number in the header.

    Returns:
        The row of the method; None if no method has that number.
    """
    return next((method for method in METHODS.values() if method.number == number), None)


def chosen_method(name: Any) -> FileMethod:
    """Looks up a method that a user chooses.

    Args:
        name: The name of the method.

    Returns:
        The row of the method.

    Raises:
        ValueError: There is no such method, or it cannot be chosen.
    """
    names = [method.name for method in METHODS.values() if method.chosen]
    if not isinstance(name, str) or name not in names:
        raise ValueError(f"unknown method {name!r}; choose one of {', '.join(names)}.")
    return METHODS[name]


def options_of(name: Any, given: Mapping[str, Any]) -> Any:
    """Makes the options of a method from values by name.

    Args:
        name: The name of the method.
        given: Values by the name of the option. Options that the method does not have may be given as None.

    Returns:
        An instance of the dataclass of the method's options.

    Raises:
        ValueError: There is no such method, it has no such option, or a value is illegal.
    """
    method = chosen_method(name)
    kind = method.load_options()
    own = kind.__dataclass_fields__
    for foreign in sorted(key for key in given if key not in own and given[key] is not None):
        raise ValueError(foreign_option(method, foreign))
    return kind(**{key: value for key, value in given.items() if key in own})


def foreign_option(method: FileMethod, option: str) -> str:
    """Says in a sentence that a method does not have an option.

    Args:
        method: The row of the method.
        option: The name of an option that the method does not have.

    Returns:
        A sentence that also names the methods that have the option.
    """
    owners = [
        other.name for other in METHODS.values() if other.chosen and option in other.load_options().__dataclass_fields__
    ]
    belongs = f", which belongs to {', '.join(owners)}" if owners else ""
    return f"{method.name} has no use for {option}{belongs}; leave it out."
