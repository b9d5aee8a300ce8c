"""The commands of the command line, as dataclasses that tyro parses. JAX is imported only by those that code images."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from recjax.command_parts import (
    coded_with,
    compressing,
    decode,
    facts,
    is_lossy,
    load_lossy,
    model_for,
    progress,
    rate,
    read_bytes,
)
from recjax.errors import UsageError
from recjax.limits import MAX_RAW_BYTES, MAX_SECONDS, Limits

if TYPE_CHECKING:
    import numpy as np

Source = Positional[Annotated[Path, arg(metavar="IN")]]
Target = Positional[Annotated[Path, arg(metavar="OUT")]]
Container = Positional[Annotated[Path, arg(metavar="FILE")]]


@dataclass(frozen=True)
class Compress:
    """Compress images to a file, which is decoded again before it is written.

    Example: recjax compress digits.npy digits.rjx --method orc --candidates 4096
    """

    images: Source
    """A PNG, a folder of PNGs or an .npy."""
    out: Target
    """The file to write."""
    model: str | None = None
    """A released model (see `recjax models`) or the path of a trained one; by default the released one for images of
    this shape and these grey levels whose files of the method are smallest."""
    method: Literal["bb-ans", "bb-ans-rec", "pfr", "orc", "as-star", "ad-star", "dad-star", "gprs", "inr"] = "bb-ans"
    """bb-ans: one stream, smallest for hundreds of images; bb-ans-rec: the same without initial bits, so for few images
    too. With all others each image can be decoded alone: orc, the smallest of them; pfr, whose samples follow the
    posterior exactly; and as-star, ad-star, dad-star and gprs, which send latents one by one, quicker and larger.
    inr is lossy, of RGB pictures: what it keeps of them is a matter of --bpp."""
    bpp: float | None = None
    """inr: bits per pixel of the file, about; by default those of the model's middle prior."""
    effort: Literal["quick", "normal", "thorough"] | None = None
    """inr: how long pictures are fitted; decoding takes as long always."""
    partition: bool = True
    """orc, pfr, inr and bb-ans-rec: space partitioning, which needs far fewer candidates."""
    candidates: int | None = None
    """orc, pfr, inr and bb-ans-rec: candidates per block; more is slower and closer to the posterior."""
    block_bits: float | None = None
    """orc, pfr and bb-ans-rec: KL divergence of a block of latents, in bits; inr: of it what the bins leave."""
    blocks: int | None = None
    """As --block-bits: blocks of latents, in place of it; fewer are smaller, if there are candidates enough."""
    max_depth: int | None = None
    """dad-star: depth of the tree, of which all nodes are examined; some 2 more than the bits of a latent."""
    branch_code: Literal["raw", "arithmetic"] | None = None
    """as-star and gprs: how branches are coded; raw is quicker and larger."""
    index_code: Literal["zeta", "learned", "delta", "uniform"] | None = None
    """Law of indices and depths (not of bb-ans): by default what the model has learned, else zeta."""
    bin_code: Literal["uniform", "learned"] | None = None
    """orc, pfr and bb-ans-rec: law of the bins; by default what the model has learned, else uniform."""
    arithmetic: Literal["exact", "float"] = "exact"
    """Of the networks. float is for research: the file says how floats come out here, and is refused elsewhere."""
    seed: int = 0
    """Of the randomness that encoder and decoder share; stored in the file."""
    shard_images: int | None = None
    """Make OUT a folder of files with so many images each, in bounded memory; the same command goes on after a stop."""
    part: str | None = None
    """With --shard-images: code the shards of one of several processes only, such as 0/4 to 3/4."""

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

            shard_commands.compress(
                self.images, self.out, self.shard_images, self.part, self.model, {**self._options, "seed": self.seed}
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
        with compressing(self.method) as report:
            data = compress(
                images,
                model,
                **self._options,
                arithmetic=self.arithmetic,
                seed=self.seed,
                progress=report,
            )
        write_atomically(self.out, lambda part: part.write_bytes(data))
        print(f"{self.out}: {rate(images.shape[0], len(data), images.size)} {coded_with(data, model)}")

    def _run_lossy(self, pictures: "np.ndarray") -> None:
        from recjax import bars, lossy_progress
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
        with bars.bar() as report:
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
                progress=lossy_progress.tell(report, pictures.shape),
            )
        write_atomically(self.out, lambda part: part.write_bytes(data))
        psnr = lossy.psnr(decompress(data, model=model), pictures).mean()
        size = pictures.shape[0] * pictures.shape[1] * pictures.shape[2]
        print(
            f"{self.out}: {pictures.shape[0]} picture{'s' * (pictures.shape[0] != 1)}, {len(data):,} bytes, "
            f"{8 * len(data) / size:.3f} bits per pixel, {psnr:.2f} dB. Coded by inr with the model {model.name}."
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
    index: int | None = None
    """Write this image only, counted from 0; only files of bb-ans and bb-ans-rec then decode others too."""
    model: str | None = None
    """The model's path, if it is not a released one."""
    max_bytes: int = MAX_RAW_BYTES
    """Refuse files whose images take more."""
    max_seconds: float = MAX_SECONDS
    """Give up on a file that takes longer, after the batch of images at hand; of each shard."""
    ignore_fingerprint: bool = False
    """Decode a file in floats (--arithmetic float) where floats come out otherwise: its images may be garbage."""

    @property
    def _limits(self) -> Limits:
        return Limits(self.max_bytes, self.max_seconds, self.ignore_fingerprint)

    def run(self) -> None:
        from recjax.shards import is_shards

        if is_shards(self.file):
            from recjax import shard_commands

            shard_commands.decompress(self.file, self.out, self.index, self.model, self._limits)
            return
        from recjax.images import write_images

        images = decode(self.file, self.model, self._limits, self.index)
        write_images(self.out, images)
        print(f"{self.out}: {images.shape[0]} image{'s' * (images.shape[0] != 1)}")


@dataclass(frozen=True)
class Info:
    """Print what a file holds, and check its checksums, without decoding it."""

    file: Container
    """A file made by `recjax compress`, or its folder of shards."""
    json: bool = False
    """Print JSON."""

    def run(self) -> None:
        from recjax.shards import is_shards

        if is_shards(self.file):
            from recjax import shard_commands

            found = shard_commands.facts(self.file)
        else:
            found = facts(read_bytes(self.file, sys.maxsize))
        if self.json:
            print(json.dumps({"file": str(self.file), **found}, indent=2))
            return
        for name, value in found.items():
            text = ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
            print(f"{name.replace('_', ' '):20} {text}")


@dataclass(frozen=True)
class Verify:
    """Decode a whole file and report; with --against, compare the images too."""

    file: Container
    """A file made by `recjax compress`, or its folder of shards."""
    against: Path | None = None
    """Images that the file must hold: a PNG, a folder of PNGs or an .npy."""
    model: str | None = None
    """The model's path, if it is not a released one."""
    max_bytes: int = MAX_RAW_BYTES
    """Refuse files whose images take more."""
    max_seconds: float = MAX_SECONDS
    """Give up on a file that takes longer, after the batch of images at hand; of each shard."""

    @property
    def _limits(self) -> Limits:
        return Limits(self.max_bytes, self.max_seconds)

    def run(self) -> None:
        from recjax.shards import is_shards

        if is_shards(self.file):
            from recjax import shard_commands

            shard_commands.verify(self.file, self.against, self.model, self._limits)
            return
        import numpy as np

        from recjax.images import read_images

        images = decode(self.file, self.model, self._limits, None)
        said = rate(images.shape[0], self.file.stat().st_size, images.size)
        against = None if self.against is None else read_images(self.against)
        if is_lossy(self.file) and against is not None and against.shape == images.shape:
            from recjax.codecs.lossy import psnr

            said += f" {psnr(images, against).mean():.2f} dB against {self.against}."
        elif against is not None and not np.array_equal(images, against):
            raise ValueError(f"the images of {self.file} are not those of {self.against}; compress them again.")
        print(f"{self.file} is good: {said}")


@dataclass(frozen=True)
class Models:
    """List the released models."""

    def run(self) -> None:
        from recjax.listing import show

        show()


@dataclass(frozen=True)
class Doctor:
    """Print versions, devices and what is kept of compiled programs, and code a few images as a self-test.

    Example: recjax doctor --conformance
    """

    conformance: bool = False
    """Also decode the reference files of all codecs and released models, which takes some minutes."""
    clear_cache: bool = False
    """Delete the compiled programs that commands keep (and no other file), and do nothing else."""

    def run(self) -> None:
        if self.clear_cache:
            from recjax import compile_cache

            print(compile_cache.clear())
            return
        from recjax import conformance
        from recjax.doctor import examine

        good = examine(print)
        if self.conformance:
            good = conformance.examine(print) and good
        if not good:
            raise ValueError("the self-test failed on this machine; report the lines above with your hardware.")


@dataclass(frozen=True)
class Bench:
    """Measure how fast this machine is: candidates, symbols and images per second.

    Example: recjax bench --json
    """

    json: bool = False
    """Print JSON."""
    seconds: float = 1.0
    """Of each measurement, compilation apart."""

    def run(self) -> None:
        if not 0 < self.seconds < float("inf"):
            raise UsageError(f"seconds must be above 0, got {self.seconds}; raise it.")
        from recjax import bench, doctor

        with progress("measuring", steady=False) as report:
            every = bench.cases()
            found = []
            for number, case in enumerate(every):
                report(number, len(every))
                found.append(bench.measure(case, self.seconds))
        if self.json:
            print(json.dumps({"machine": doctor.versions(), "rates": [one._asdict() for one in found]}, indent=2))
            return
        for one in found:
            print(f"{one.name:52} {one.rate:12,.1f} {one.unit:10} (first call {one.first_seconds:.1f} s)")


COMMANDS = {
    "compress": Compress,
    "decompress": Decompress,
    "info": Info,
    "verify": Verify,
    "models": Models,
    "doctor": Doctor,
    "bench": Bench,
}
