"""The models of an experiment: released ones, or with `--train` new ones, trained as the config says.

A config lists them as `[[models]]`, each with its data set and its training config; `obtain` is all that experiments
need. A model comes with what its card states of the -ELBO on the test split, measured where the float weights were.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import rich.console

from experiments.lossless.subsets import first
from recjax.models.vae.evaluate import Model, list_models, load_model, save_model
from training import data
from training.command import output_folder
from training.vae.config import Network, TrainConfig
from training.vae.run import SAMPLES, train

MODEL_FILE = "model.safetensors"


@dataclass(frozen=True)
class ModelSource:
    """A model of an experiment, and the images that it is for.

    name: of a released model, or the path of a model file or of the folder of a training run. data: a data set of
    training.data. training_images: how many of them training from scratch takes, all by default. vae, train: how
    `--train` makes the model.
    """

    name: str
    data: str
    training_images: int | None = None
    vae: Network = field(default_factory=Network)
    train: TrainConfig = field(default_factory=TrainConfig)

    def __post_init__(self) -> None:
        data.check_name(self.data)
        if not self.label:
            raise ValueError(f"name must be that of a model, got {self.name!r}; see `recjax models`.")
        if self.training_images is not None and self.training_images < 1:
            raise ValueError(f"training_images must be at least 1, got {self.training_images}; leave it out for all.")

    @property
    def label(self) -> str:
        """The name without folders: that of the model's own folder in a run's, and of its rows in tables."""
        path = Path(self.name)
        return path.parent.name if path.name == MODEL_FILE else path.name.removesuffix(".safetensors")


class Bound(NamedTuple):
    """What a card states of the float model on the test split; None for what it does not.

    elbo_bits_per_dim: -ELBO. elbo_standard_error: over the images. images, samples: how many, and posterior samples of
    each. kl_bits: of an image. active_latents: latents with a mean KL above 0.1 bits.
    """

    elbo_bits_per_dim: float | None
    elbo_standard_error: float | None
    images: int | None
    samples: int | None
    kl_bits: float | None
    active_latents: int | None


class Obtained(NamedTuple):
    """A model, the test split that it is for, what its card states, and where it comes from, in words."""

    source: ModelSource
    model: Model
    test: data.DataSet
    bound: Bound
    origin: str

    def facts(self) -> dict[str, Any]:
        """For a result's JSON."""
        return {
            "name": self.source.label,
            "origin": self.origin,
            "digest": self.model.digest,
            "latents": self.model.latents,
            "likelihood": self.model.likelihood_name,
            **self.bound._asdict(),
        }


def check(sources: Sequence[ModelSource]) -> None:
    """ValueError if there is none, or two would share a name."""
    if not sources:
        raise ValueError("'models' must have at least one entry, got none; add a table [[models]].")
    for place, source in enumerate(sources):
        if source.label in [other.label for other in sources[:place]]:
            raise ValueError(
                f"'models.{place}.name' must differ from the others, got {source.label!r} again; change it."
            )


def obtain(
    sources: Sequence[ModelSource],
    folder: Path,
    console: rich.console.Console,
    *,
    from_scratch: bool = False,
    samples: int = SAMPLES,
) -> dict[str, Obtained]:
    """Every model by its label.

    from_scratch: train them, in folders of their own, which hold checkpoints, so that a run that was stopped goes on.
    samples: of the posterior, for the -ELBO of models that are trained here. ValueError if a model or its data is not
    there, or they do not fit.
    """
    tests = {source.label: data.load(source.data, "test") for source in sources}
    found = {}
    for source in sources:
        if from_scratch:
            model = _trained(source, output_folder(folder / source.label), console, samples)
            origin = "trained in this run"
        else:
            model, origin = _load(source), "released" if source.name in list_models() else "a file"
        found[source.label] = Obtained(source, model, _fitting(tests[source.label], model), _bound(model), origin)
    return found


def limited(obtained: Obtained, count: int | None) -> Obtained:
    """The same with the first `count` test images, all for None."""
    return obtained._replace(test=first(obtained.test, count, "images"))


def _load(source: ModelSource) -> Model:
    path = Path(source.name)
    try:
        return load_model(path / MODEL_FILE if path.is_dir() else source.name)
    except ValueError as error:
        if source.name in list_models():
            raise
        raise ValueError(f"{str(error).rstrip('.')}; or let --train make it.") from error


def _trained(source: ModelSource, folder: Path, console: rich.console.Console, samples: int) -> Model:
    splits = data.load_splits(source.data)
    splits["train"] = first(splits["train"], source.training_images, "training_images")
    console.print(f"training {source.label} on {source.data}", highlight=False)
    trained = train(source.label, splits, source.vae, source.train, console, checkpoints=folder, samples=samples)
    console.print(f"{source.label}: {trained}", highlight=False)
    save_model(folder / MODEL_FILE, trained.model)
    return trained.model


def _fitting(test: data.DataSet, model: Model) -> data.DataSet:
    if test.images.shape[1:] != model.image_shape or test.levels > model.levels:
        height, width = test.images.shape[1:]
        raise ValueError(
            f"{test.name} has images of {height}x{width} pixels and {test.levels} levels, and model {model.name!r} is "
            f"for {'x'.join(map(str, model.image_shape))} and {model.levels}; name another model or data set."
        )
    return replace(test, images=np.ascontiguousarray(test.images))


def _bound(model: Model) -> Bound:
    stated = model.metadata.get("test", {})
    return Bound(*(stated.get(name) for name in Bound._fields))
