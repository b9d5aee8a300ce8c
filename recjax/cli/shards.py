"""The commands on folders of shards, which do what those on one file do, a shard at a time."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from recjax.cli.common import decode, progress, read_container, tell_good, tell_written
from recjax.codecs import inspection
from recjax.codecs.sentences import size_of
from recjax.container.limits import Limits
from recjax.container.methods import FileMethod
from recjax.errors import UnknownModelError, UsageError
from recjax.io.inputs import STANDARD
from recjax.pretrained.cards import unknown_model
from recjax.shards import folder as shards
from recjax.shards import manifest as shard_manifest
from recjax.shards.manifest import Manifest
from recjax.text import complain, quoted, tell

if TYPE_CHECKING:
    from recjax.images.source import Source

# Options that a manifest states, so that a folder of shards is only continued with the settings that it began with.
_STATED = ("partition", "candidates", "block_bits", "blocks", "max_depth", "branch_code", "index_code", "bin_code")


def compress(
    source_path: Path,
    out: Path,
    images_each: int,
    part: str | None,
    model_name: str | None,
    method_for: Callable[[tuple[int, ...]], tuple[FileMethod, Any]],
    seed: int,
    *,
    as_json: bool = False,
) -> None:
    """Compresses the shards that a folder lacks, or a part of them, and prints what was made.

    Args:
        source_path: The images: a folder of PNGs or an .npy.
        out: The folder of the shards.
        images_each: Number of images in a shard.
        part: Which part of the shards to make, such as 0/4; None for all.
        model_name: The name of a released model, or the path of a trained one; None takes the released model that suits
            best.
        method_for: Maps the shape of an image to the row of the method to use and its options.
        seed: The seed of the randomness that encoder and decoder share.
        as_json: Whether to print a JSON object instead of a sentence.

    Raises:
        UsageError: The method is lossy, or a number is wrong.
        ValueError: The images cannot be read or coded.
    """
    from recjax.cli import plain_peers
    from recjax.images.source import open_source
    from recjax.io.privacy import private_as

    source = open_source(source_path)
    method, options = method_for(source.shape)
    own = _part(part, images_each, method)
    coder, model = _coder_and_model(source, model_name, method, options)
    judged: list[str | None] = []

    def encode(images: np.ndarray, seed: int) -> bytes:
        data = coder.compress(images, model, method.name, options, seed=seed, progress=None).data
        # The images of the other shards are like those of the first, so only these are given to plain compressors.
        if not judged:
            judged.append(plain_peers.losing_to(images, len(data)))
        return data

    digest, name = (model.digest, model.name) if method.has_model else (None, None)
    settings = {**_stated(method, options), "seed": seed, "model": digest}
    with progress("compressing") as report, private_as(source_path, out.parent):
        made = shards.compress(
            source,
            out,
            images_each,
            settings,
            encode,
            model_name=name,
            part=own,
            progress=report,
        )
    total = shard_manifest.read(out).plan.shards
    tell(
        f"{quoted(out)}: {made} shard{'s' * (made != 1)} made, of {total} with {source.count:,} images.",
        {"file": str(out), "made": made, "shards": total, "images": source.count, "image_shape": list(source.shape)},
        as_json,
    )
    for line in source.notes():
        complain(line)
    if judged and judged[0]:
        complain(f"{quoted(out)}: of the first shard made here, {judged[0]}")


def _part(part: str | None, images_each: int, method: FileMethod) -> shards.Part:
    try:
        if not method.lossless:
            raise ValueError(
                f"shards are of lossless methods; compress pictures by {method.name} one folder at a time."
            )
        if images_each < 1:
            raise ValueError(f"a shard holds at least 1 image, got {images_each}; raise it.")
        return shards.Part.parse(part or "0/1")
    except ValueError as error:
        raise UsageError(str(error)) from error


def _coder_and_model(source: "Source", model_name: str | None, method: FileMethod, options: Any) -> tuple[Any, Any]:
    some = source.read(0, 1)
    if model_name is None and source.count:
        # The model is chosen by the largest grey level too, which the first image need not have.
        some = np.maximum(some, np.uint8(source.largest()))
    coder = method.load_coder()
    model = coder.load_model(model_name, some, method.name, options)
    coder.check_images(some, model)
    return coder, model


def decompress(
    folder: Path,
    out: Path,
    index: int | None,
    model_name: str | None,
    limits: Limits,
    *,
    force: bool = False,
    as_json: bool = False,
) -> None:
    """Writes the images of all shards, or one of them.

    Args:
        folder: The folder of the shards.
        out: The path of the output.
        index: The number of an image, from 0, over all shards; None writes all.
        model_name: The name of a released model, or the path of a trained one; None takes the released model that the
            files state.
        limits: Limits of decoding each shard.
        force: Whether an existing output may be replaced.
        as_json: Whether to print a JSON object instead of a sentence.

    Raises:
        ValueError: There is no such image, a shard cannot be decoded, or the output cannot be written.
    """
    from recjax.cli.outputs import images_output

    manifest = _manifest(folder)
    plan = manifest.plan
    if index is not None:
        if not 0 <= index < plan.images:
            raise ValueError(
                f"{quoted(folder)} holds images 0 to {plan.images - 1}, got index {index}; name one of them."
            )
        number, place = divmod(index, plan.images_each)
        output = images_output(out, 1, folder, model_name, force=force)
        images = _decode(shards.file(folder, number), manifest, model_name, limits, place)
        output.write_images([images], 1, plan.shape)
        tell_written(folder, output, 1, plan.shape, as_json)
        return
    output = images_output(out, plan.images, folder, model_name, force=force)
    with progress("decompressing") as report:
        output.write_images(_decoded(folder, manifest, model_name, limits, report), plan.images, plan.shape)
    tell_written(folder, output, plan.images, plan.shape, as_json)


def verify(
    folder: Path, against: Path | None, model_name: str | None, limits: Limits, *, as_json: bool = False
) -> None:
    """Decodes all shards and prints that they are good; with `against`, compares the images too.

    Args:
        folder: The folder of the shards.
        against: A folder of PNGs or an .npy that the shards must hold; None compares nothing.
        model_name: The name of a released model, or the path of a trained one; None takes the released model that the
            files state.
        limits: Limits of decoding each shard.
        as_json: Whether to print a JSON object instead of a sentence.

    Raises:
        UsageError: The images to compare with are to come from standard input.
        ValueError: A shard cannot be decoded, or the images are not those to compare with.
    """
    from recjax.images.source import open_source

    if against == STANDARD:
        raise UsageError("shards are compared with images that have a name; name a folder of PNGs or an .npy.")
    manifest = _manifest(folder)
    source = None if against is None else open_source(against)
    done = pixels = 0
    with progress("verifying") as report:
        for images in _decoded(folder, manifest, model_name, limits, report):
            same = source is None or np.array_equal(images, source.read(done, done + len(images)))
            done, pixels = done + len(images), pixels + images.size
            if not same:
                raise ValueError(
                    f"the images of {quoted(folder)} are not those of {quoted(against)}; compress them again."
                )
    if source is not None and source.count != done:
        raise ValueError(
            f"{quoted(folder)} holds {done} images and {quoted(against)} {source.count}; compress them again."
        )
    for line in source.notes() if source else ():
        complain(line)
    size = sum(path.stat().st_size for path in shards.files(folder))
    tell_good(folder, size_of(done, size, pixels), inspection.size_facts(done, size, pixels), against, as_json)


def facts(folder: Path) -> dict[str, object]:
    """Collects what `recjax info` says about a folder of shards.

    Args:
        folder: The folder.

    Returns:
        Facts by name, as JSON values.
    """
    manifest = _manifest(folder)
    plan, files = manifest.plan, list(shards.files(folder))
    size = sum(path.stat().st_size for path in files)
    first = inspection.facts(read_container(files[0], Limits(1 << 40))) if files else {}
    same = {name: first[name] for name in ("method", "image_shape", "model", "model_digest") if name in first}
    if "model" in same and same["model"] is None:
        same["model"] = manifest.model_name
    return {"shards": plan.shards, "images": plan.images, "file_bytes": size, **same, "manifest": manifest.version}


def _manifest(folder: Path) -> Manifest:
    manifest = shard_manifest.read(folder)
    if not manifest.numbered:
        complain(
            f"the shards of {quoted(folder)} are of version {manifest.version} and do not say their numbers: swapped "
            "ones of as many images would not be noticed."
        )
    return manifest


def _decoded(folder: Path, manifest: Manifest, model_name: str | None, limits: Limits, report) -> Iterator[np.ndarray]:
    done = 0
    for path in shards.files(folder):
        images = _decode(path, manifest, model_name, limits, None)
        done += len(images)
        yield images
        report(done, manifest.plan.images)


def _decode(path: Path, manifest: Manifest, model_name: str | None, limits: Limits, place: int | None) -> np.ndarray:
    try:
        return decode(read_container(path, limits, place), model_name, limits, place)
    except UnknownModelError as error:
        digest = str(manifest.settings.get("model"))[:16]
        raise UnknownModelError(unknown_model(digest, manifest.model_name)) from error


def _stated(method: FileMethod, options: Any) -> dict[str, Any]:
    """Lists what a manifest states about the method; it names the options of other methods, too."""
    every = dict.fromkeys(_STATED) | {"partition": True}
    return {"method": method.name, **every, **{k: v for k, v in asdict(options).items() if k != "arithmetic"}}
