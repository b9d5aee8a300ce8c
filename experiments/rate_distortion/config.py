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
    """Names a model, and says how it is made where models are trained anew.

    Attributes:
        name: Name of a released model, or path of a model file or of its folder.
        data: Data set that the model is trained on.
        effort: How much training.
        shape: Shape of the network.
        train: Settings of the training.
    """

    name: str
    data: Literal["cifar10", "photos"] = "cifar10"
    effort: representations.Effort = field(default_factory=representations.Effort)
    shape: INRShape = field(default_factory=INRShape)
    train: INRTraining = field(default_factory=INRTraining)

    @property
    def label(self) -> str:
        """Name of the model, or of the folder that holds its file."""
        path = Path(self.name)
        return path.parent.name if path.suffix else path.name


@dataclass(frozen=True)
class Way:
    """Says how a model's latents are sent, see `recjax.codecs.lossy.compression.make_settings`.

    Attributes:
        label: Name in tables and plots.
        partition: How the intervals of the bins are assigned to latents; "none" for no partition.
        candidates: Candidates of a block, a power of two.
        block_bits: Mean KL in training that fills a block, in bits: what remains within the bins, or all without a
            partition.
        index_codes: Codes of the candidates' indices. One search serves them all, with a file for each; other ways are
            compared with the first. "learned" is skipped if the model has no learned code.
        steps_between: Steps of fitting after each block, see `recjax.codecs.lossy.encode.Effort`.
        fill: Whether blocks are filled to their limit in any case, see `recjax.codecs.lossy.encode.Effort`.
        room_bits: Bits of divergence of a block beyond its bins; None for the default of
            `recjax.codecs.lossy.encode.Effort`.
        priors: Numbers of the model's priors to send with; empty for all.
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
    """Configures the experiment.

    Attributes:
        experiment: Name of the experiment in the registry.
        model: The model.
        ways: Ways to send its latents. The first is the proposed one, the second the one that it is compared with.
        data: Data set of the test images.
        pictures: Number of test images to send, from the first one on.
        crop: Side in pixels of the squares that are cut from the middle of the images; 0 for whole images.
        from_scratch: Whether to train the model instead of loading it.
        shared_steps: Steps of fitting that all ways start from, done once for each prior; 0 if each way starts anew.
        first_steps: Steps of fitting of each way after that, before anything is sent.
        one_by_one: Number of images to encode one by one, to time it; 0 for none.
        shown: Number of images in the plot.
        peer_settings: Largest number of settings of every other codec.
        seed: Seed of the encoder.

    Raises:
        ValueError: If a value is out of its range, or labels of ways are not distinct.
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
