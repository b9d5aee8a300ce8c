"""The commands on folders of shards: as on one file, a shard at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from recjax.cli.common import decode, model_for, progress, rate, size_facts, tell_good, tell_written
from recjax.container.limits import Limits
from recjax.errors import UnknownModelError, UsageError
from recjax.io.inputs import STANDARD
from recjax.pretrained.cards import unknown_model
from recjax.shards import folder as shards
from recjax.shards import manifest as shard_manifest
from recjax.shards.manifest import Manifest
from recjax.text import complain, quoted, tell


def compress(
    source_path: Path,
    out: Path,
    images_each: int,
    part: str | None,
    model_name: str | None,
    options: dict[str, Any],
    *,
    as_json: bool = False,
) -> None:
    """Code the missing shards of a part; options are those of `recjax.compress`."""
    from recjax.cli import plain_peers
    from recjax.codecs.lossless import compression as lossless
    from recjax.images.source import open_source
    from recjax.io.privacy import private_as

    judged: list[str | None] = []

    def encode(images: np.ndarray, seed: int) -> bytes:
        data = lossless.compress(images, model, **{**options, "seed": seed})
        # The first shard stands for the rest, which is of the same kind.
        if not judged:
            judged.append(plain_peers.losing_to(images, len(data)))
        return data

    try:
        if options["method"] == "inr":
            raise ValueError("shards are of lossless methods; compress pictures by inr one folder at a time.")
        if images_each < 1:
            raise ValueError(f"a shard holds at least 1 image, got {images_each}; raise it.")
        own = shards.Part.parse(part or "0/1")
        method_options = {name: value for name, value in options.items() if name != "seed"}
        lossless.check_settings(**method_options)
    except ValueError as error:
        raise UsageError(str(error)) from error
    source = open_source(source_path)
    some = source.read(0, 1)
    if model_name is None and source.count:
        # A model is chosen by grey levels, too, and the first image may be a dark one.
        some = np.maximum(some, np.uint8(source.largest()))
    model = model_for(some, options["method"], model_name)
    lossless.check_images(some, model)
    settings = {**options, "model": model.digest}
    with progress("compressing") as report, private_as(source_path, out.parent):
        made = shards.compress(
            source,
            out,
            images_each,
            settings,
            encode,
            model_name=model.name,
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
    """Write the images of all shards, or one of them."""
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
    """Decode all shards and report; with `against`, compare the images too."""
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
    tell_good(folder, rate(done, size, pixels), size_facts(done, size, pixels), against, as_json)


def facts(folder: Path) -> dict[str, object]:
    """What `recjax info` says of a folder of shards."""
    from recjax.cli.common import facts, read_bytes

    manifest = _manifest(folder)
    plan, files = manifest.plan, list(shards.files(folder))
    size = sum(path.stat().st_size for path in files)
    first = facts(read_bytes(files[0], 1 << 40)) if files else {}
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
        return decode(path, model_name, limits, place)
    except UnknownModelError as error:
        digest = str(manifest.settings.get("model"))[:16]
        raise UnknownModelError(unknown_model(digest, manifest.model_name)) from error
