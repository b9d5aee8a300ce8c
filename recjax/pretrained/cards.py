"""Cards of the released models: what the JSON beside a model's file states of it. They are read without JAX.

`training.vae.release` writes them. The model that `recjax compress` takes by default is chosen from them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

PRETRAINED = Path(__file__).resolve().parent
LOSSY = PRETRAINED / "representations"


FORMER = {
    "44cae3ebffb566b3": "mnist-vae, of development before 0.1.0 (commit 2b1b57f)",
    "ec17079186c976d9": "cifar10-wip, of development before 0.1.0 (commit 37b5353)",
}
"""Unreleased models that files may have been made with, by digest."""


@dataclass(frozen=True)
class Card:
    """What is known of a released model.

    digest: of all that decoding depends on. sha256, file_bytes: of the file. image_shape, levels: of its images.
    parameters: weights and biases of its networks. data: the data set it was trained on. elbo_bits_per_dim: -ELBO on
    the test split. files: measured rates of whole files of the test split by method, in bits per dimension, the best
    setting of each.
    """

    name: str
    digest: str
    sha256: str
    file_bytes: int
    image_shape: tuple[int, ...]
    levels: int
    latents: int
    parameters: int
    data: str
    elbo_bits_per_dim: float
    files: Mapping[str, float]

    @property
    def single(self) -> tuple[str, float] | None:
        """Method and rate of its smallest archive, whose images can be decoded alone; None if none was measured."""
        archives = {method: rate for method, rate in self.files.items() if not method.startswith("bb-ans")}
        return min(archives.items(), key=lambda item: item[1]) if archives else None


def read_cards(folder: Path = PRETRAINED) -> list[Card]:
    """The cards of a folder of released models, by name; ValueError if one cannot be read."""
    return [_read(path) for path in sorted(folder.glob("*.json"), key=lambda path: path.stem)]


def released_name(digest: str) -> str | None:
    """Returns the name of the released model whose hexadecimal digest begins so; None if there is none."""
    return {card.digest[: len(digest)]: card.name for card in (*read_cards(), *read_lossy_cards())}.get(digest)


def name_of(digest: str) -> str | None:
    """Returns the name of the model, released or former, whose hexadecimal digest begins so; None if it is unknown."""
    return released_name(digest) or FORMER.get(digest[:16])


def unknown_model(digest: str, name: str | None = None) -> str:
    """Returns what is to be said of a file whose model is not a released one: a sentence with its digest and name.

    Args:
        digest: in the header of the file, hexadecimal.
        name: of the model, where something beside the file says it.
    """
    known = name_of(digest) if name is None else repr(name)
    called = f"the model {known}" if known else "a model"
    return (
        f"the file was made with {called} of digest {digest}, which is not a released model; give that model's file, "
        "or the folder of its training run (on the command line by --model PATH)."
    )


def choose(cards: Sequence[Card], image_shape: tuple[int, ...], largest_value: int, method: str) -> Card:
    """The card of the model that images of a shape with values up to `largest_value` are coded with by default.

    Of the models for this shape those with the fewest grey levels that hold the values, of these the one with the
    lowest measured rate of the method, of equals the first by name. A model without a measured rate comes last, by its
    -ELBO. ValueError if there is none.
    """
    shape = "x".join(map(str, image_shape))
    fitting = [card for card in cards if card.image_shape == tuple(image_shape)]
    if not fitting:
        raise ValueError(f"no released model codes images of shape {shape}; name a trained one with --model.")
    holding = [card for card in fitting if largest_value < card.levels]
    if not holding:
        known = ", ".join(f"{card.name}: pixel values 0 to {card.levels - 1}" for card in fitting)
        raise ValueError(
            f"no released model codes {shape} images with values up to {largest_value} ({known}); name a trained one "
            "with --model."
        )

    def order(card: Card) -> tuple[int, bool, float, str]:
        rate = card.files.get(method)
        return card.levels, rate is None, card.elbo_bits_per_dim if rate is None else rate, card.name

    return min(holding, key=order)


@dataclass(frozen=True)
class LossyCard:
    """What is known of a released model of representations.

    patch: height, width and channels. whole_pictures: it codes pictures of that size alone, not photos of many patches.
    latents: numbers of a patch that are sent, over all levels. priors: the bits per pixel that they were fitted for.
    rates: bits per pixel and mean PSNR in dB of measured files of test pictures, by rate.
    """

    name: str
    digest: str
    sha256: str
    file_bytes: int
    patch: tuple[int, ...]
    whole_pictures: bool
    latents: int
    parameters: int
    data: str
    priors: tuple[float, ...]
    rates: tuple[tuple[float, float], ...]


def read_lossy_cards(folder: Path = LOSSY) -> list[LossyCard]:
    """The cards of a folder of released models of representations, by name; ValueError if one cannot be read."""
    return [_read_lossy(path) for path in sorted(folder.glob("*.json"), key=lambda path: path.stem)]


def choose_lossy(cards: Sequence[LossyCard], image_shape: tuple[int, ...], bits_per_pixel: float | None) -> LossyCard:
    """The card of the model that pictures of a shape are coded with by default.

    Of the models for the shape (those for whole pictures of it first), the one with a prior for the nearest rate, by
    ratio; of equals, and without a rate, the first by name. ValueError if there is none.
    """
    if len(image_shape) != 3 or image_shape[2] != 3:
        raise ValueError(f"inr codes RGB pictures, got the shape {'x'.join(map(str, image_shape))}; convert them.")
    whole = [card for card in cards if card.whole_pictures and card.patch == tuple(image_shape)]
    fitting = whole or [card for card in cards if not card.whole_pictures]
    if not fitting:
        shape = "x".join(map(str, image_shape))
        raise ValueError(f"no released model codes pictures of shape {shape}; name a trained one with --model.")
    wanted = None if bits_per_pixel is None else log(max(bits_per_pixel, 1e-9))

    def order(card: LossyCard) -> tuple[float, str]:
        return 0.0 if wanted is None else min(abs(log(rate) - wanted) for rate in card.priors), card.name

    return min(fitting, key=order)


def _read_lossy(path: Path) -> LossyCard:
    try:
        stated: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return LossyCard(
            name=path.stem,
            digest=str(stated["digest"]),
            sha256=str(stated["sha256"]),
            file_bytes=int(stated["file_bytes"]),
            patch=tuple(int(side) for side in stated["patch"]),
            whole_pictures=bool(stated["whole_pictures"]),
            latents=int(stated["latents"]),
            parameters=int(stated["parameters"]),
            data=str(stated["data"]),
            priors=tuple(sorted(float(prior["bits_per_pixel"]) for prior in stated["priors"])),
            rates=tuple(sorted((float(one["bits_per_pixel"]), float(one["psnr_db"])) for one in stated["files"])),
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the card of a released model ({error!r}); install recjax again.") from error


def _read(path: Path) -> Card:
    try:
        stated: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        rates: dict[str, float] = {}
        for file in stated["files"]:
            rates[file["method"]] = min(float(file["bits_per_dim"]), rates.get(file["method"], float("inf")))
        return Card(
            name=path.stem,
            digest=str(stated["digest"]),
            sha256=str(stated["sha256"]),
            file_bytes=int(stated["file_bytes"]),
            image_shape=tuple(int(side) for side in stated["image_shape"]),
            levels=int(stated["levels"]),
            latents=int(stated["latents"]),
            parameters=int(stated["parameters"]),
            data=str(stated["data"]),
            elbo_bits_per_dim=float(stated["test"]["elbo_bits_per_dim"]),
            files=rates,
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the card of a released model ({error!r}); install recjax again.") from error
