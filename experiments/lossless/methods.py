"""Defines the lossless methods of a config: their settings, which are checked before any training, and their labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.lossless.method_names import METHOD_NAMES
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.settings import BlockSettings


@dataclass(frozen=True)
class Method:
    """Describes how latents are coded; the options are those of `recjax.compress`, and None stands for its defaults.

    Attributes:
        name: The method: bits-back, PFR or ORC. The other fields apply to PFR and ORC only.
        partition: Whether to search within bins of equal prior mass; None means yes.
        candidates: The search budget of a block, a power of two.
        block_bits: The KL budget of a block, in bits.

    Raises:
        ValueError: An option is invalid, or does not apply to the method.
    """

    name: Literal["bb-ans", "pfr", "orc"]
    partition: bool | None = None
    candidates: int | None = None
    block_bits: float | None = None

    def __post_init__(self) -> None:
        if self.name == "bb-ans" and self.partition is not None:
            raise ValueError("bb-ans takes no partition, which belongs to pfr and orc; leave it out.")
        _ = self.settings

    @property
    def searches(self) -> bool:
        """Tells whether latents are coded by a search, image by image."""
        return self.name != "bb-ans"

    @property
    def partitioned(self) -> bool:
        """Tells whether the search is within bins."""
        return self.searches and self.partition is not False

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments of the codec."""
        return {
            "method": self.name,
            # Methods without blocks take no other value.
            "partition": self.partitioned or not self.searches,
            "candidates": self.candidates,
            "block_bits": self.block_bits,
        }

    @property
    def settings(self) -> BlockSettings | None:
        """The codec's settings with its defaults filled in, None for bits-back; ValueError if they are invalid."""
        settings = lossless.check_settings(**self.options)
        assert settings is None or isinstance(settings, BlockSettings)
        return settings

    @property
    def resolved(self) -> dict[str, Any]:
        """The fields with defaults filled in; None for those that bits-back does not have."""
        settings = self.settings
        if settings is None:
            return {"name": self.name, "partition": None, "candidates": None, "block_bits": None}
        return {
            "name": self.name,
            "partition": settings.partition,
            "candidates": 1 << settings.candidates_log2,
            "block_bits": settings.block_bits_q10 / 1024,
        }


def check(methods: Sequence[Method]) -> None:
    """Checks that there is at least one method and that no two are the same.

    Args:
        methods: The methods of a config.

    Raises:
        ValueError: There is none, or two have the same settings after defaults are filled in.
    """
    if not methods:
        raise ValueError("'methods' must have at least one entry, got none; add a table [[methods]].")
    resolved = [method.resolved for method in methods]
    for place, one in enumerate(resolved):
        first = resolved.index(one)
        if first < place:
            raise ValueError(
                f"methods.{place} must differ from the others, but is methods.{first} again; change or remove it."
            )


def labels(methods: Sequence[Method]) -> tuple[str, ...]:
    """Makes a label for each method; methods of one kind are distinguished by the settings in which they differ.

    Args:
        methods: The methods of a config.

    Returns:
        The labels, such as "ORC, partitioned, 4,096 candidates".
    """
    return tuple(", ".join((_kind(method), *_particulars(method, methods))) for method in methods)


def file_name(label: str) -> str:
    """Makes the name of the coded file of a method.

    Args:
        label: The label of the method.

    Returns:
        The file name.
    """
    return label.replace(",", "").replace(" ", "-").lower() + ".rjx"


def _kind(method: Method) -> str:
    return METHOD_NAMES[method.name] + (", partitioned" if method.partitioned else "")


def _particulars(method: Method, methods: Sequence[Method]) -> tuple[str, ...]:
    own, alike = method.resolved, [other.resolved for other in methods if _kind(other) == _kind(method)]
    words = {"candidates": "{:,} candidates", "block_bits": "{:.14g}-bit blocks"}
    return tuple(text.format(own[key]) for key, text in words.items() if len({other[key] for other in alike}) > 1)
