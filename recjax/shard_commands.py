"""The commands on folders of shards: as on one file, a shard at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from recjax import shards
from recjax.command_parts import decode, model_for, progress, rate, size_facts, tell_good, tell_written
from recjax.errors import UsageError
from recjax.limits import Limits
from recjax.text import quoted, tell


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
    from recjax.codecs import lossless
    from recjax.image_source import open_source

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
    with progress("compressing") as report:
        made = shards.compress(
            source,
            out,
            images_each,
            settings,
            lambda images: lossless.compress(images, model, **options),
            part=own,
            progress=report,
        )
    total = shards.read_plan(out).shards
    tell(
        f"{quoted(out)}: {made} shard{'s' * (made != 1)} made, of {total} with {source.count:,} images.",
        {"file": str(out), "made": made, "shards": total, "images": source.count, "image_shape": list(source.shape)},
        as_json,
    )


def decompress(
    folder: Path, out: Path, index: int | None, model_name: str | None, limits: Limits, *, as_json: bool = False
) -> None:
    """Write the images of all shards, or one of them."""
    from recjax.images import write_images, write_parts

    plan = shards.read_plan(folder)
    if index is not None:
        if not 0 <= index < plan.images:
            raise ValueError(
                f"{quoted(folder)} holds images 0 to {plan.images - 1}, got index {index}; name one of them."
            )
        number, place = divmod(index, plan.images_each)
        write_images(out, decode(shards.file(folder, number), model_name, limits, place))
        tell_written(folder, out, 1, plan.shape, as_json)
        return
    with progress("decompressing") as report:
        write_parts(out, _decoded(folder, model_name, limits, report), plan.images, plan.shape)
    tell_written(folder, out, plan.images, plan.shape, as_json)


def verify(
    folder: Path, against: Path | None, model_name: str | None, limits: Limits, *, as_json: bool = False
) -> None:
    """Decode all shards and report; with `against`, compare the images too."""
    from recjax.image_source import open_source

    source = None if against is None else open_source(against)
    done = pixels = 0
    with progress("verifying") as report:
        for images in _decoded(folder, model_name, limits, report):
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
    size = sum(path.stat().st_size for path in shards.files(folder))
    tell_good(folder, rate(done, size, pixels), size_facts(done, size, pixels), against, as_json)


def facts(folder: Path) -> dict[str, object]:
    """What `recjax info` says of a folder of shards."""
    from recjax.command_parts import facts, read_bytes

    plan, files = shards.read_plan(folder), list(shards.files(folder))
    size = sum(path.stat().st_size for path in files)
    first = facts(read_bytes(files[0], 1 << 40)) if files else {}
    same = {name: first[name] for name in ("method", "image_shape", "model", "model_digest") if name in first}
    return {"shards": plan.shards, "images": plan.images, "file_bytes": size, **same}


def _decoded(folder: Path, model_name: str | None, limits: Limits, report) -> Iterator[np.ndarray]:
    plan, done = shards.read_plan(folder), 0
    for path in shards.files(folder):
        images = decode(path, model_name, limits, None)
        done += len(images)
        yield images
        report(done, plan.images)
