"""The config of the rate-distortion experiments."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from recjax.codecs.lossy.search import STEPS_AT_ONCE
from recjax.models.inr.network import INRShape
from training.inr import command as representations
from training.inr.loop import INRTraining


@dataclass(frozen=True)
class RepresentationSource:
    """A model: a released one's name, or a path; effort, shape and train: how `--train` makes it."""

    name: str
    data: Literal["cifar10", "photos"] = "cifar10"
    effort: representations.Effort = field(default_factory=representations.Effort)
    shape: INRShape = field(default_factory=INRShape)
    train: INRTraining = field(default_factory=INRTraining)

    @property
    def label(self) -> str:
        """The name without folders."""
        path = Path(self.name)
        return path.parent.name if path.suffix else path.name


@dataclass(frozen=True)
class Way:
    """How a model's latents are sent; see `recjax.codecs.lossy.compression.make_settings`.

    index_codes: of the files that are made of one search; the first is the one that others are compared with. Learned
    ones are left out if the model has none. steps_between, fill, room_bits: see `recjax.codecs.lossy.encode.Effort`.
    priors: numbers of the model's, all by default.
    """

    label: str
    partition: Literal["none", "information", "random", "uninformative"] = "information"
    candidates: int = 1 << 14
    block_bits: float = 11.0
    index_codes: tuple[Literal["zeta", "learned", "uniform"], ...] = ("learned", "zeta")
    steps_between: int = 30
    fill: bool = False
    room_bits: float | None = None
    priors: tuple[int, ...] = ()


@dataclass(frozen=True)
class Config:
    """The experiment. data: of the test pictures, of which the first `pictures` are sent, at the rate of each prior of
    the model. crop: side of the squares that are cut from their middles, 0 for whole pictures. ways: the first is ours,
    the second what it is compared with. shared_steps: of fitting, once for all ways; 0 if each starts afresh.
    first_steps: of each way after that, before anything is sent. one_by_one: pictures that are encoded alone, to time
    it; 0 for none. shown: pictures of the plot. peer_settings: of every other codec, at most.
    """

    experiment: str
    model: RepresentationSource
    ways: tuple[Way, ...]
    data: Literal["cifar10", "kodak"] = "cifar10"
    pictures: int = 32
    crop: int = 0
    from_scratch: bool = False
    shared_steps: int = 0
    first_steps: int = 500
    one_by_one: int = 0
    shown: int = 4
    peer_settings: int = 12
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.ways:
            raise ValueError("'ways' must have at least one entry; add a table [[ways]].")
        for name, least in (
            ("pictures", 1),
            ("shared_steps", 0),
            ("first_steps", 10),
            ("one_by_one", 0),
            ("peer_settings", 2),
        ):
            if getattr(self, name) < least:
                raise ValueError(f"{name} must be at least {least}, got {getattr(self, name)}; raise it.")
        if self.shared_steps % STEPS_AT_ONCE:
            raise ValueError(f"shared_steps must be a multiple of {STEPS_AT_ONCE}, got {self.shared_steps}; round it.")
        if len({way.label for way in self.ways}) < len(self.ways):
            raise ValueError("the labels of 'ways' must differ; change one.")
