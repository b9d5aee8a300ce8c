"""The commands of the command line, as dataclasses that tyro parses. JAX is imported only by those that code images."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from recjax.arguments import BY_DEFAULT, Flag, by_default
from recjax.command_parts import (
    coded_with,
    decode,
    facts,
    is_lossy,
    load_lossy,
    model_for,
    progress,
    rate,
    read_bytes,
    shown,
    size_facts,
    tell_good,
    tell_written,
)
from recjax.errors import UsageError
from recjax.limits import MAX_RAW_BYTES, MAX_SECONDS, Limits
from recjax.machine_commands import Bench, Doctor, Models
from recjax.text import quoted, say, say_json, tell

if TYPE_CHECKING:
    import numpy as np

Source = Positional[Annotated[Path, arg(metavar="IN")]]
Target = Positional[Annotated[Path, arg(metavar="OUT")]]
Container = Positional[Annotated[Path, arg(metavar="FILE")]]

_MODEL = by_default(
    "A released model (see `recjax models`) or the path of a trained one; by default the released one for images of",
    "this shape and these grey levels whose files of the method are smallest.",
)
_METHOD = arg(
    help="bb-ans: one stream, smallest for hundreds of images; bb-ans-rec: the same without initial bits, so for few "
    "images too. With all others each image can be decoded alone: orc, the smallest of them; pfr, whose samples follow "
    "the posterior exactly; and as-star, ad-star, dad-star and gprs, which send latents one by one, quicker and "
    "larger. inr is lossy, of RGB pictures: what it keeps of them is a matter of --bpp."
)
_CANDIDATES = by_default(
    "orc, pfr, inr and bb-ans-rec: candidates per block, by default 65536 (pfr), 4096 (orc and bb-ans-rec), 16384",
    "(inr; 65536 without partition); more is slower and closer to the posterior.",
)
_BLOCK_BITS = by_default(
    "orc, pfr and bb-ans-rec: KL divergence of a block of latents, in bits; inr: of it what the bins leave; by default",
    "what the default candidates are enough for.",
)


@dataclass(frozen=True)
class Compress:
    """Compress images to a file, which is decoded again before it is written.

    Example: recjax compress digits.npy digits.rjx --method orc --candidates 4096
    """

    images: Source
    """A PNG, a folder of PNGs or an .npy."""
    out: Target
    """The file to write."""
    model: Annotated[str | None, _MODEL] = None
    method: Annotated[
        Literal["bb-ans", "bb-ans-rec", "pfr", "orc", "as-star", "ad-star", "dad-star", "gprs", "inr"], _METHOD
    ] = "bb-ans"
    bpp: Annotated[float | None, BY_DEFAULT] = None
    """inr: bits per pixel of the file, about; by default those of the model's middle prior."""
    effort: Annotated[Literal["quick", "normal", "thorough"] | None, BY_DEFAULT] = None
    """inr: how long pictures are fitted, by default normal; decoding takes as long always."""
    partition: bool = True
    """orc, pfr, inr and bb-ans-rec: space partitioning, which needs far fewer candidates."""
    candidates: Annotated[int | None, _CANDIDATES] = None
    block_bits: Annotated[float | None, _BLOCK_BITS] = None
    blocks: Annotated[int | None, BY_DEFAULT] = None
    """Blocks of latents, in place of --block-bits; fewer are smaller, if there are candidates enough."""
    max_depth: Annotated[int | None, BY_DEFAULT] = None
    """dad-star: depth of the tree, by default 10, of which all nodes are examined; 2 more than the bits of a latent."""
    branch_code: Annotated[Literal["raw", "arithmetic"] | None, BY_DEFAULT] = None
    """as-star and gprs: how branches are coded, by default arithmetic; raw is quicker and larger."""
    index_code: Annotated[Literal["zeta", "learned", "delta", "uniform"] | None, BY_DEFAULT] = None
    """Law of indices and depths (not of bb-ans): by default what the model has learned, else zeta."""
    bin_code: Annotated[Literal["uniform", "learned"] | None, BY_DEFAULT] = None
    """orc, pfr and bb-ans-rec: law of the bins; by default what the model has learned, else uniform."""
    seed: int = 0
    """Of the randomness that encoder and decoder share; stored in the file."""
    arithmetic: Literal["exact", "float"] = "exact"
    """Of the networks. float is for research: the file says how floats come out here, and is refused elsewhere."""
    shard_images: Annotated[int | None, BY_DEFAULT] = None
    """Make OUT a folder of files with so many images each, in bounded memory; the same command goes on after a stop."""
    part: Annotated[str | None, BY_DEFAULT] = None
    """With --shard-images: code the shards of one of several processes only, such as 0/4 to 3/4; by default all."""
    json: Flag = False
    """Print one JSON object."""

    @property
    def _options(self) -> dict[str, Any]:
        names = ("method", "partition", "candidates", "block_bits", "blocks", "max_depth", "branch_code", "index_code")
        return {name: getattr(self, name) for name in (*names, "bin_code")}

    def run(self) -> None:
        from recjax.atomic import require_file_place, write_atomically
        from recjax.images import read_images

        if self.part is not None and self.shard_images is None:
            raise UsageError("part is of a compression in shards; add --shard-images, or leave it out.")
        for name in ("bpp", "effort"):
            if self.method != "inr" and getattr(self, name) is not None:
                raise UsageError(f"{self.method} has no use for {name}, which belongs to inr; leave it out.")
        if self.arithmetic == "float" and (self.method == "inr" or self.shard_images is not None):
            raise UsageError("float arithmetic is for single lossless files; leave --arithmetic out.")
        if self.shard_images is not None:
            from recjax import shard_commands

            options = {**self._options, "seed": self.seed}
            shard_commands.compress(
                self.images, self.out, self.shard_images, self.part, self.model, options, as_json=self.json
            )
            return
        require_file_place(self.out)
        images = read_images(self.images)
        if self.method == "inr":
            self._run_lossy(images)
            return
        from recjax.codecs.lossless import check_settings, compress

        try:
            check_settings(**self._options)
        except ValueError as error:
            raise UsageError(str(error)) from error
        model = model_for(images, self.method, self.model)
        with progress("compressing") as report:
            data = compress(
                images,
                model,
                **self._options,
                arithmetic=self.arithmetic,
                seed=self.seed,
                progress=report,
            )
        write_atomically(self.out, lambda part: part.write_bytes(data))
        line = f"{quoted(self.out)}: {rate(images.shape[0], len(data), images.size)} {coded_with(data, model)}"
        tell(line, {"file": str(self.out), **facts(data)}, self.json)

    def _run_lossy(self, pictures: "np.ndarray") -> None:
        from recjax import lossy_progress
        from recjax.atomic import write_atomically
        from recjax.cards import choose_lossy, read_lossy_cards
        from recjax.codecs import lossy
        from recjax.codecs.files import decompress

        for name in ("blocks", "max_depth", "branch_code", "bin_code"):
            if getattr(self, name) is not None:
                raise UsageError(f"inr has no use for {name}; leave it out.")
        try:
            lossy.check_settings(
                self.bpp, self.effort or "normal", self.partition, self.candidates, self.block_bits, self.index_code
            )
        except ValueError as error:
            raise UsageError(str(error)) from error
        name = self.model
        if name is None:
            name = choose_lossy(read_lossy_cards(), pictures.shape[1:], self.bpp).name
        model = load_lossy(name)
        with lossy_progress.bar(pictures.shape) as report:
            data = lossy.compress(
                pictures,
                model,
                bits_per_pixel=self.bpp,
                effort=self.effort or "normal",
                partition=self.partition,
                candidates=self.candidates,
                block_bits=self.block_bits,
                index_code=self.index_code,
                seed=self.seed,
                progress=report,
            )
        write_atomically(self.out, lambda part: part.write_bytes(data))
        psnr = lossy.psnr(decompress(data, model=model), pictures).mean()
        size = pictures.shape[0] * pictures.shape[1] * pictures.shape[2]
        rates = {"bits_per_pixel": round(8 * len(data) / size, 4), "psnr_db": round(float(psnr), 2)}
        tell(
            f"{quoted(self.out)}: {pictures.shape[0]} picture{'s' * (pictures.shape[0] != 1)}, {len(data):,} bytes, "
            f"{8 * len(data) / size:.3f} bits per pixel, {psnr:.2f} dB. Coded by inr with the model "
            f"{quoted(model.name)}.",
            {"file": str(self.out), **facts(data), **rates},
            self.json,
        )


@dataclass(frozen=True)
class Decompress:
    """Write the images of a file, or one of them.

    Example: recjax decompress digits.rjx seventeenth.png --index 17
    """

    file: Container
    """A file made by `recjax compress`, or its folder of shards."""
    out: Target
    """NAME.npy, NAME.png for one image, or a folder for PNGs."""
    model: Annotated[str | None, BY_DEFAULT] = None
    """The model's path, if it is not a released one."""
    index: Annotated[int | None, BY_DEFAULT] = None
    """Write this image only, counted from 0 (by default all); files of bb-ans and bb-ans-rec then decode others too."""
    max_bytes: int = MAX_RAW_BYTES
    """Refuse files whose images take more."""
    max_seconds: float = MAX_SECONDS
    """Give up on a file that takes longer, after the batch of images at hand; of each shard."""
    ignore_fingerprint: Flag = False
    """Decode a file in floats (--arithmetic float) where floats come out otherwise: its images may be garbage."""
    json: Flag = False
    """Print one JSON object."""

    @property
    def _limits(self) -> Limits:
        return Limits(self.max_bytes, self.max_seconds, self.ignore_fingerprint)

    def run(self) -> None:
        from recjax.shards import is_shards

        if is_shards(self.file):
            from recjax import shard_commands

            shard_commands.decompress(self.file, self.out, self.index, self.model, self._limits, as_json=self.json)
            return
        from recjax.images import write_images

        images = decode(self.file, self.model, self._limits, self.index)
        write_images(self.out, images)
        tell_written(self.file, self.out, images.shape[0], images.shape[1:], self.json)


@dataclass(frozen=True)
class Info:
    """Print what a file holds, and check its checksums, without decoding it."""

    file: Container
    """A file made by `recjax compress`, or its folder of shards."""
    json: Flag = False
    """Print one JSON object."""

    def run(self) -> None:
        from recjax.shards import is_shards

        if is_shards(self.file):
            from recjax import shard_commands

            found = shard_commands.facts(self.file)
        else:
            found = facts(read_bytes(self.file, sys.maxsize))
        if self.json:
            say_json({"file": str(self.file), **found})
            return
        for name, value in found.items():
            say(f"{name.replace('_', ' '):20} {shown(value)}")


@dataclass(frozen=True)
class Verify:
    """Decode a whole file and report; with --against, compare the images too."""

    file: Container
    """A file made by `recjax compress`, or its folder of shards."""
    model: Annotated[str | None, BY_DEFAULT] = None
    """The model's path, if it is not a released one."""
    against: Annotated[Path | None, BY_DEFAULT] = None
    """Images that the file must hold: a PNG, a folder of PNGs or an .npy; by default it must be decodable."""
    max_bytes: int = MAX_RAW_BYTES
    """Refuse files whose images take more."""
    max_seconds: float = MAX_SECONDS
    """Give up on a file that takes longer, after the batch of images at hand; of each shard."""
    json: Flag = False
    """Print one JSON object."""

    @property
    def _limits(self) -> Limits:
        return Limits(self.max_bytes, self.max_seconds)

    def run(self) -> None:
        from recjax.shards import is_shards

        if is_shards(self.file):
            from recjax import shard_commands

            shard_commands.verify(self.file, self.against, self.model, self._limits, as_json=self.json)
            return
        import numpy as np

        from recjax.images import read_images

        images = decode(self.file, self.model, self._limits, None)
        size, psnr_db = self.file.stat().st_size, None
        said = rate(images.shape[0], size, images.size)
        against = None if self.against is None else read_images(self.against)
        if is_lossy(self.file) and against is not None and against.shape == images.shape:
            from recjax.codecs.lossy import psnr

            psnr_db = round(float(psnr(images, against).mean()), 2)
            said += f" {psnr_db:.2f} dB against {quoted(self.against)}."
        elif against is not None and not np.array_equal(images, against):
            raise ValueError(
                f"the images of {quoted(self.file)} are not those of {quoted(self.against)}; compress them again."
            )
        tell_good(self.file, said, size_facts(images.shape[0], size, images.size), self.against, self.json, psnr_db)


COMMANDS = {
    "compress": Compress,
    "decompress": Decompress,
    "info": Info,
    "verify": Verify,
    "models": Models,
    "doctor": Doctor,
    "bench": Bench,
}
