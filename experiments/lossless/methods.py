"""The lossless methods of a config: their settings, checked before anything is trained, and names of their own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from experiments.lossless.method_names import METHOD_NAMES
from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossless.settings import BlockSettings


@dataclass(frozen=True)
class Method:
    """How the latents are coded. What is left out is as in recjax.compress; all but the name belong to pfr and orc.

    partition: search within bins of equal prior mass (by default so). candidates: search budget of a block, a power of
    two. block_bits: KL budget of a block, in bits.
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
        """Whether latents are found by a search, image by image."""
        return self.name != "bb-ans"

    @property
    def partitioned(self) -> bool:
        """Whether the search is within bins."""
        return self.searches and self.partition is not False

    @property
    def options(self) -> dict[str, Any]:
        """Keyword arguments of the codec."""
        return {
            "method": self.name,
            "partition": self.partitioned,
            "candidates": self.candidates,
            "block_bits": self.block_bits,
        }

    @property
    def settings(self) -> BlockSettings | None:
        """The codec's settings with its defaults filled in, None for bits-back; ValueError says what is wrong."""
        settings = lossless.check_settings(**self.options)
        assert settings is None or isinstance(settings, BlockSettings)
        return settings

    @property
    def resolved(self) -> dict[str, Any]:
        """The fields with the values that defaults stand for; None for what bits-back does not have."""
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
    """ValueError if there is none, or two are the same."""
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
    """A name for people for each method; those of one kind are told apart by the settings in which they differ."""
    return tuple(", ".join((_kind(method), *_particulars(method, methods))) for method in methods)


def file_name(label: str) -> str:
    """Name of the coded file of the method with this label."""
    return label.replace(",", "").replace(" ", "-").lower() + ".rjx"


def _kind(method: Method) -> str:
    return METHOD_NAMES[method.name] + (", partitioned" if method.partitioned else "")


def _particulars(method: Method, methods: Sequence[Method]) -> tuple[str, ...]:
    own, alike = method.resolved, [other.resolved for other in methods if _kind(other) == _kind(method)]
    words = {"candidates": "{:,} candidates", "block_bits": "{:.14g}-bit blocks"}
    return tuple(text.format(own[key]) for key, text in words.items() if len({other[key] for other in alike}) > 1)
