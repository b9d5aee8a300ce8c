"""Reads the cards of the released models: the JSON beside a model's file that describes it. This needs no JAX.

`training.vae.release` writes the cards. The model that `recjax compress` takes by default is chosen from them.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log
from pathlib import Path
from typing import Any

PRETRAINED = Path(__file__).resolve().parent
LOSSY = PRETRAINED / "representations"
PIXEL_NETWORKS = PRETRAINED / "pixel_networks"


FORMER = {
    "44cae3ebffb566b3": "mnist-vae, of development before 0.1.0 (commit 2b1b57f)",
    "ec17079186c976d9": "cifar10-wip, of development before 0.1.0 (commit 37b5353)",
}
"""Models that were never released but that files may have been made with: names by digest."""


@dataclass(frozen=True)
class Card:
    """The description of a released model for lossless compression.

    Attributes:
        name: The name of the model.
        digest: The digest of everything that decoding depends on, in hexadecimal.
        sha256: The SHA-256 digest of the model's file, in hexadecimal.
        file_bytes: The size of the model's file in bytes.
        image_shape: The shape of the images that it codes.
        levels: The number of values of a pixel, which are 0 to levels - 1.
        latents: The number of latents of an image.
        parameters: The number of weights and biases of its networks.
        data: The data set that it was trained on.
        elbo_bits_per_dim: The negative ELBO on the test split, in bits per dimension.
        files: Measured rates of whole files of the test split in bits per dimension, by method; the best setting of
            each.
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
        """The lowest measured rate of a method whose images can be decoded alone.

        It is a tuple of the method and the rate in bits per dimension; None if no such method was measured.
        """
        archives = {method: rate for method, rate in self.files.items() if not method.startswith("bb-ans")}
        return min(archives.items(), key=lambda item: item[1]) if archives else None


def read_cards(folder: Path = PRETRAINED) -> list[Card]:
    """Reads the cards of a folder of released models.

    Args:
        folder: The folder; by default that of recjax.

    Returns:
        The cards, sorted by name.

    Raises:
        ValueError: A card cannot be read.
    """
    return [_read(path) for path in sorted(folder.glob("*.json"), key=lambda path: path.stem)]


def released_name(digest: str) -> str | None:
    """Finds the name of a released model.

    Args:
        digest: The digest of the model in hexadecimal, or its first digits.

    Returns:
        The name; None if no released model has this digest.
    """
    return {
        card.digest[: len(digest)]: card.name for card in (*read_cards(), *read_lossy_cards(), *read_pixel_cards())
    }.get(digest)


def name_of(digest: str) -> str | None:
    """Finds the name of a released model, or of an unreleased one that files may have been made with.

    Args:
        digest: The digest of the model in hexadecimal, at least its first 16 digits if the model was never released.

    Returns:
        The name; None if the digest is unknown.
    """
    return released_name(digest) or FORMER.get(digest[:16])


def unknown_model(digest: str, name: str | None = None) -> str:
    """Explains that a file was made with a model that is not a released one.

    Args:
        digest: The digest in the header of the file, in hexadecimal.
        name: The name of the model, if something other than the file states it.

    Returns:
        A sentence with the digest, the name if it is known, and what to do.
    """
    known = name_of(digest) if name is None else repr(name)
    called = f"the model {known}" if known else "a model"
    return (
        f"the file was made with {called} of digest {digest}, which is not a released model; give that model's file, "
        "or the folder of its training run (on the command line by --model PATH)."
    )


def choose(cards: Sequence[Card], image_shape: tuple[int, ...], largest_value: int, method: str) -> Card:
    """Chooses the card of the model that images are coded with by default.

    Among the models for images of this shape, it takes those with the fewest grey levels that hold the values, and of
    these the one with the lowest measured rate of the method. Models without a measured rate come last, sorted by their
    negative ELBO. The name decides between equals.

    Args:
        cards: The cards to choose from.
        image_shape: The shape of an image.
        largest_value: The largest value of a pixel.
        method: The name of the method.

    Returns:
        The card.

    Raises:
        ValueError: No model fits.
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
    """The description of a released model for lossy compression by implicit neural representations.

    Attributes:
        name: The name of the model.
        digest: The digest of everything that decoding depends on, in hexadecimal.
        sha256: The SHA-256 digest of the model's file, in hexadecimal.
        file_bytes: The size of the model's file in bytes.
        patch: The height, width and channels of a patch.
        whole_pictures: Whether it codes pictures of the size of a patch only, instead of photos of many patches.
        latents: The number of latents that describe a patch, over all levels.
        parameters: The number of weights and biases of its networks.
        data: The data set that it was trained on.
        priors: The rates that its priors were fitted for, in bits per pixel.
        rates: Rates in bits per pixel and mean PSNR in dB of measured files of test pictures, sorted by rate.
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
    """Reads the cards of a folder of released models for lossy compression.

    Args:
        folder: The folder; by default that of recjax.

    Returns:
        The cards, sorted by name.

    Raises:
        ValueError: A card cannot be read.
    """
    return [_read_lossy(path) for path in sorted(folder.glob("*.json"), key=lambda path: path.stem)]


def choose_lossy(cards: Sequence[LossyCard], image_shape: tuple[int, ...], bits_per_pixel: float | None) -> LossyCard:
    """Chooses the card of the model that pictures are coded with by default.

    If there are models for whole pictures of this shape, it takes one of these, otherwise one for photos of many
    patches. Among them it takes the one with a prior for the nearest rate, by ratio. The name decides between equals,
    and if no rate is given.

    Args:
        cards: The cards to choose from.
        image_shape: The shape of a picture, which must be (height, width, 3).
        bits_per_pixel: The rate in bits per pixel; None if none is given.

    Returns:
        The card.

    Raises:
        ValueError: The pictures are not RGB, or no model fits.
    """
    if len(image_shape) != 3 or image_shape[2] != 3:
        raise ValueError(f"inr codes RGB pictures, got the shape {'x'.join(map(str, image_shape))}; convert them.")
    whole = [card for card in cards if card.whole_pictures and card.patch == tuple(image_shape)]
    fitting = whole or [card for card in cards if not card.whole_pictures]
    if not fitting:
        shape = "x".join(map(str, image_shape))
        raise ValueError(f"no released model codes pictures of shape {shape}; name a trained one with --model.")
    log_target = None if bits_per_pixel is None else log(max(bits_per_pixel, 1e-9))

    def order(card: LossyCard) -> tuple[float, str]:
        return 0.0 if log_target is None else min(abs(log(rate) - log_target) for rate in card.priors), card.name

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


@dataclass(frozen=True)
class PixelCard:
    """The description of a released pixel network for lossless compression of pictures.

    Attributes:
        name: The name of the model.
        digest: The digest of everything that decoding depends on, in hexadecimal.
        sha256: The SHA-256 digest of the model's file, in hexadecimal.
        file_bytes: The size of the model's file in bytes.
        channels: The number of channels of the pictures that it is for.
        parameters: The number of weights and biases of its networks.
        data: The pictures that it was trained on.
        rates: Rates of measured files of test pictures in bits per channel and pixel, by the name of the test set.
    """

    name: str
    digest: str
    sha256: str
    file_bytes: int
    channels: int
    parameters: int
    data: str
    rates: Mapping[str, float]


def read_pixel_cards(folder: Path = PIXEL_NETWORKS) -> list[PixelCard]:
    """Reads the cards of a folder of released pixel networks.

    Args:
        folder: The folder; by default that of recjax.

    Returns:
        The cards, sorted by name.

    Raises:
        ValueError: A card cannot be read.
    """
    return [_read_pixel(path) for path in sorted(folder.glob("*.json"), key=lambda path: path.stem)]


def choose_pixel_network(cards: Sequence[PixelCard], image_shape: tuple[int, ...]) -> PixelCard:
    """Chooses the card of the pixel network that pictures are coded with by default.

    Args:
        cards: The cards to choose from.
        image_shape: The shape of a picture: (height, width) or (height, width, 3).

    Returns:
        The first card, by name, of a model for as many channels.

    Raises:
        ValueError: No model fits.
    """
    channels = image_shape[2] if len(image_shape) == 3 else 1
    for card in cards:
        if card.channels == channels:
            return card
    raise ValueError(f"no released pixel network codes pictures of {channels} channels; name one with --model.")


def _read_pixel(path: Path) -> PixelCard:
    try:
        stated: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return PixelCard(
            name=path.stem,
            digest=str(stated["digest"]),
            sha256=str(stated["sha256"]),
            file_bytes=int(stated["file_bytes"]),
            channels=int(stated["channels"]),
            parameters=int(stated["parameters"]),
            data=str(stated["data"]),
            rates={str(file["data"]): float(file["bits_per_dim"]) for file in stated["files"]},
        )
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the card of a released model ({error!r}); install recjax again.") from error
