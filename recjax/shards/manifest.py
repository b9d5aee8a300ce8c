"""The manifest of a folder of shards: what is coded and how, and the seeds that identify the shards.

It is written before the first shard and never changes. The header of shard n has a seed that is derived from n and from
everything in the manifest but the model's name. So a shard that lies in the place of another, in two places, or in
another folder can be recognised from its own bytes, whatever its method, and each shard has a random stream of its own.
In manifests of version 1 all shards have the seed of the settings, which tells them from shards with other settings and
models, but not from each other.
"""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

from recjax.container.file import DIGEST_BYTES, Header
from recjax.images.files import MAX_BYTES
from recjax.io.atomic import write_atomically
from recjax.text import quoted

NAME = "shards.json"
VERSION = 2
MAX_IMAGES = 1 << 48

_UNNUMBERED = 1
_MOST_BYTES = 1 << 20
_SEED_BYTES = 7
"""The bytes of a shard's seed, which then takes at most 8 bytes of its header as a varint."""


class ShardPlan(NamedTuple):
    """Divides images into shards.

    Attributes:
        images: The number of all images.
        images_each: The number of images of every shard but the last.
        shape: The shape of an image.
    """

    images: int
    images_each: int
    shape: tuple[int, ...]

    @property
    def shards(self) -> int:
        """The number of shards, each of which is a file."""
        return -(-self.images // self.images_each)

    def images_of(self, number: int) -> range:
        """Returns the images of a shard.

        Args:
            number: The number of the shard, from 0 on.

        Returns:
            The numbers of its images, as a range.
        """
        return range(number * self.images_each, min((number + 1) * self.images_each, self.images))


@dataclass(frozen=True)
class Manifest:
    """Everything that the shards of a folder have in common.

    Attributes:
        plan: How the images are divided.
        source: A digest of what is coded.
        settings: Everything that coding depends on, the digest of the model included, of types that JSON has.
        model_name: The name of the model, for people; None if it is not known.
        version: The version of the manifest.
    """

    plan: ShardPlan
    source: str
    settings: dict[str, Any]
    model_name: str | None = None
    version: int = VERSION

    @property
    def numbered(self) -> bool:
        """Tells whether the header of each shard identifies its number."""
        return self.version > _UNNUMBERED

    def seed(self, number: int) -> int:
        """Derives the seed in the header of a shard; only for numbered folders.

        Args:
            number: The number of the shard, from 0 on.

        Returns:
            The seed, an integer in [0, 2^56).
        """
        return int.from_bytes(hashlib.sha256(self._identity + str(number).encode()).digest()[:_SEED_BYTES], "big")

    @cached_property
    def _identity(self) -> bytes:
        return json.dumps(self.document(), sort_keys=True).encode() + b"\n"

    def document(self) -> dict[str, Any]:
        """Returns everything that tells this folder from others, of types that JSON has."""
        plan = {**self.plan._asdict(), "shape": list(self.plan.shape)}
        return {"version": self.version, **plan, "source": self.source, "settings": self.settings}

    def owns(self, header: Header, number: int) -> bool:
        """Checks whether a file with a given header can be a shard of this folder.

        Args:
            header: The header of the file.
            number: The number of the shard.

        Returns:
            In a numbered folder, whether the file is exactly this shard; otherwise whether count, shape and settings
            fit.
        """
        if (header.count, header.image_shape) != (len(self.plan.images_of(number)), self.plan.shape):
            return False
        if self.numbered:
            return header.seed == self.seed(number)
        model = str(self.settings.get("model"))[: 2 * DIGEST_BYTES]
        stated = (self.settings.get("method"), self.settings.get("seed"), model)
        return header.method == "raw" or (header.method, header.seed, header.model_digest.hex()) == stated

    def place_of(self, header: Header) -> int | None:
        """Finds the shard that has a given header, in a numbered folder.

        Only the first 2^20 shards are tried, as a damaged manifest may state any number of them.

        Args:
            header: The header of a file.

        Returns:
            The number of the shard; None if the file is of another folder.
        """
        return next((number for number in range(min(self.plan.shards, 1 << 20)) if self.owns(header, number)), None)


def begin(folder: Path, manifest: Manifest) -> Manifest:
    """Writes the manifest of a folder, or checks that the same one is already there.

    If several processes begin together, one of them writes it.

    Args:
        folder: The folder, which must exist.
        manifest: The manifest.

    Returns:
        The manifest that is in the folder now.

    Raises:
        ValueError: The folder holds shards of something else, or a damaged manifest.
    """
    text = json.dumps({**manifest.document(), "model_name": manifest.model_name}, indent=2) + "\n"
    expected = _parsed(json.loads(text))
    write_atomically(folder / NAME, lambda part: part.write_bytes(text.encode()), once=True)
    existing = read(folder)
    if existing.version != manifest.version:
        raise ValueError(
            f"{quoted(folder)} holds shards of version {existing.version}, which do not say their numbers, and those "
            f"of version {manifest.version} are made; name another folder."
        )
    stated = existing.document()
    differing = [name for name, value in expected.document().items() if stated[name] != value]
    if differing:
        raise ValueError(
            f"{quoted(folder)} holds shards of other {', '.join(differing)}; name another folder or remove it."
        )
    return existing


def read(folder: Path) -> Manifest:
    """Reads the manifest of a folder of shards.

    Args:
        folder: The folder.

    Returns:
        The manifest.

    Raises:
        ValueError: It is missing or damaged.
    """
    path = folder / NAME
    try:
        if not path.is_file():
            raise ValueError("it is missing")
        with path.open("rb") as file:
            text = file.read(_MOST_BYTES + 1)
        if len(text) > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
        manifest = _parsed(json.loads(text.decode()))
        # Deriving a seed writes the document as JSON, which fails here if settings are nested too deeply.
        manifest.seed(0)
        return manifest
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{quoted(path)} is no manifest of shards ({error}); compress the images again.") from error


def _parsed(stated: Any) -> Manifest:
    """Makes the manifest of a JSON document; ValueError says what is wrong with it."""
    if not isinstance(stated, dict):
        raise ValueError("it is no object")
    if type(stated.get("version")) is not int or not 1 <= stated["version"] <= VERSION:
        raise ValueError(f"its version must be 1 to {VERSION}; a later recjax may have made it")
    shape = stated.get("shape")
    if type(shape) is not list or len(shape) not in (2, 3):
        raise ValueError("its shape must be 2 or 3 integers")
    sides = tuple(_integer(side, "shape", 1, MAX_BYTES) for side in shape)
    if prod(sides) > MAX_BYTES:
        raise ValueError(f"an image of its shape has more than {MAX_BYTES:,} bytes")
    plan = ShardPlan(
        _integer(stated.get("images"), "images", 0, MAX_IMAGES),
        _integer(stated.get("images_each"), "images_each", 1, MAX_BYTES // prod(sides)),
        sides,
    )
    for name, kind in (("source", str), ("settings", dict), ("model_name", str)):
        if name in stated and not isinstance(stated[name], kind) and (name, stated[name]) != ("model_name", None):
            raise ValueError(f"its {name} is of the wrong type")
    if not (stated.get("model_name") or "").isprintable():
        raise ValueError("its model_name has characters that cannot be printed")
    settings, source = stated.get("settings", {}), stated.get("source", "")
    return Manifest(plan, source, settings, stated.get("model_name"), stated["version"])


def _integer(value: Any, name: str, lowest: int, highest: int) -> int:
    if type(value) is not int or not lowest <= value <= highest:
        raise ValueError(f"its {name} must be an integer of {lowest} to {highest}")
    return value
