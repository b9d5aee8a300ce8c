"""Obtains the models of an experiment: released ones, files, or with `--train` new ones, trained as the config says.

A config lists them as `[[models]]`, each with its data set and its training config; experiments call `obtain`. Each
model comes with the -ELBO on the test split that its card states.
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
    """Names a model of an experiment and the data set that it is for.

    Attributes:
        name: The name of a released model, or the path of a model file or of the folder of a training run.
        data: The name of a data set of `training.data`.
        training_images: The number of images that training from scratch uses; None means all.
        vae: The network that `--train` trains.
        train: The settings of the training.

    Raises:
        ValueError: The data set is unknown, the name is empty, or training_images is below 1.
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
        """The name without folders, which names the model's output folder and its rows in tables."""
        path = Path(self.name)
        return path.parent.name if path.name == MODEL_FILE else path.name.removesuffix(".safetensors")


class Bound(NamedTuple):
    """Holds what a model's card states about the float model on the test split; None for what it does not state.

    Attributes:
        elbo_bits_per_dim: -ELBO in bits per pixel.
        elbo_standard_error: Its standard error over the images.
        images: The number of images.
        samples: The number of posterior samples of each image.
        kl_bits: The mean KL divergence of an image, in bits.
        active_latents: The number of latents with a mean KL above 0.1 bits.
    """

    elbo_bits_per_dim: float | None
    elbo_standard_error: float | None
    images: int | None
    samples: int | None
    kl_bits: float | None
    active_latents: int | None


class Obtained(NamedTuple):
    """Holds a model with its data.

    Attributes:
        source: The config's entry.
        model: The exact model.
        test: The test split that it is for.
        bound: What its card states.
        origin: Where it comes from: "released", "a file" or "trained in this run".
    """

    source: ModelSource
    model: Model
    test: data.DataSet
    bound: Bound
    origin: str

    def facts(self) -> dict[str, Any]:
        """Returns the model's entries of a result's JSON."""
        return {
            "name": self.source.label,
            "origin": self.origin,
            "digest": self.model.digest,
            "latents": self.model.latents,
            "likelihood": self.model.likelihood_name,
            **self.bound._asdict(),
        }


def check(sources: Sequence[ModelSource]) -> None:
    """Checks that there is at least one model and that no two share a label.

    Args:
        sources: The models of a config.

    Raises:
        ValueError: There is none, or two share a label.
    """
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
    """Loads or trains every model of a config.

    Args:
        sources: The models.
        folder: The output folder. A model that is trained gets a subfolder with its checkpoints, so that a run that was
            interrupted continues.
        console: Where progress is printed.
        from_scratch: Whether to train the models.
        samples: The number of posterior samples of each image for the -ELBO of models that are trained here.

    Returns:
        The models by label.

    Raises:
        ValueError: A model or its data is missing, or they do not fit each other.
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
    """Limits the test split of a model to its first images.

    Args:
        obtained: The model with its data.
        count: The number of images; None means all.

    Returns:
        The same model with the smaller test split.

    Raises:
        ValueError: The split has fewer images.
    """
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
