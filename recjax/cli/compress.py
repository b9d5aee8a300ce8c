"""The command that compresses images, which has the most options."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from recjax.cli.arguments import BY_DEFAULT, Flag, by_default
from recjax.cli.common import coded_with, compressing, facts, load_lossy, model_for, rate, read_source
from recjax.errors import UsageError
from recjax.text import complain, quoted

if TYPE_CHECKING:
    import numpy as np

    from recjax.cli.outputs import Output

Source = Positional[Annotated[Path, arg(metavar="IN")]]
Target = Positional[Annotated[Path, arg(metavar="OUT")]]

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
    "orc, pfr, inr and bb-ans-rec: KL divergence of a block of latents, in bits (for inr, without the part that bins",
    "send); by default as much as the default number of candidates can carry.",
)


@dataclass(frozen=True)
class Compress:
    """Compress images to a file, which is decoded again before it is written.

    Example: recjax compress digits.npy digits.rjx --method orc --candidates 4096
    """

    images: Source
    """A PNG, a folder of PNGs or an .npy; - reads a PNG or an .npy from standard input."""
    out: Target
    """The file to write; - writes it to standard output."""
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
    """Seed of the randomness that encoder and decoder share; stored in the file."""
    arithmetic: Literal["exact", "float"] = "exact"
    """Arithmetic of the networks: float is for research; such a file decodes only where floats come out the same."""
    shard_images: Annotated[int | None, BY_DEFAULT] = None
    """Make OUT a folder of files with so many images each, in bounded memory; the same command goes on after a stop."""
    part: Annotated[str | None, BY_DEFAULT] = None
    """With --shard-images: code the shards of one of several processes only, such as 0/4 to 3/4; by default all."""
    force: Flag = False
    """Replace OUT if it is there; its permissions stay."""
    json: Flag = False
    """Print one JSON object."""

    @property
    def _options(self) -> dict[str, Any]:
        names = ("method", "partition", "candidates", "block_bits", "blocks", "max_depth", "branch_code", "index_code")
        return {name: getattr(self, name) for name in (*names, "bin_code")}

    def run(self) -> None:
        from recjax.cli.outputs import file_output, require_shards_place

        if self.part is not None and self.shard_images is None:
            raise UsageError("part is of a compression in shards; add --shard-images, or leave it out.")
        for name in ("bpp", "effort"):
            if self.method != "inr" and getattr(self, name) is not None:
                raise UsageError(f"{self.method} has no use for {name}, which belongs to inr; leave it out.")
        if self.arithmetic == "float" and (self.method == "inr" or self.shard_images is not None):
            raise UsageError("float arithmetic is for single lossless files; leave --arithmetic out.")
        if self.shard_images is not None:
            from recjax.cli import shards as shard_commands

            if self.force:
                raise UsageError("shards are added to a folder and replace nothing; leave --force out.")
            require_shards_place(self.out, self.images, self.model)
            options = {**self._options, "seed": self.seed}
            shard_commands.compress(
                self.images, self.out, self.shard_images, self.part, self.model, options, as_json=self.json
            )
            return
        output = file_output(self.out, self.images, self.model, force=self.force)
        images = read_source(self.images)
        if self.method == "inr":
            self._run_lossy(images, output)
            return
        from recjax.cli import plain_peers
        from recjax.codecs.lossless.compression import check_settings, compress

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
        output.write(data)
        line = f"{quoted(self.out)}: {rate(images.shape[0], len(data), images.size)} {coded_with(data, model)}"
        output.tell(line, {"file": str(self.out), **facts(data)}, self.json)
        if smaller := plain_peers.losing_to(images, len(data)):
            complain(f"{quoted(self.out)}: {smaller}")

    def _run_lossy(self, pictures: "np.ndarray", output: "Output") -> None:
        from recjax.cli.process import bars, lossy_progress
        from recjax.codecs.decompress import decompress
        from recjax.codecs.lossy import compression as lossy
        from recjax.pretrained.cards import choose_lossy, read_lossy_cards

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
        output.write(data)
        psnr = lossy.psnr(decompress(data, model=model), pictures).mean()
        size = pictures.shape[0] * pictures.shape[1] * pictures.shape[2]
        rates = {"bits_per_pixel": round(8 * len(data) / size, 4), "psnr_db": round(float(psnr), 2)}
        output.tell(
            f"{quoted(self.out)}: {pictures.shape[0]} picture{'s' * (pictures.shape[0] != 1)}, {len(data):,} bytes, "
            f"{8 * len(data) / size:.3f} bits per pixel, {psnr:.2f} dB. Coded by inr with the model "
            f"{quoted(model.name)}.",
            {"file": str(self.out), **facts(data), **rates},
            self.json,
        )
