"""The commands of the command line, as dataclasses that tyro parses. JAX is imported only by those that code images."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from tyro.conf import Positional, arg

from recjax.errors import UsageError

if TYPE_CHECKING:
    import numpy as np

    from recjax.models.inr_model import INRModel
    from recjax.models.model import Model

_MAX_BYTES = 1 << 30


Source = Positional[Annotated[Path, arg(metavar="IN")]]
Target = Positional[Annotated[Path, arg(metavar="OUT")]]
Container = Positional[Annotated[Path, arg(metavar="FILE")]]
Progress = Callable[[int, int], None]


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
    seed: int = 0
    """Of the randomness that encoder and decoder share; stored in the file."""

    @property
    def _options(self) -> dict[str, Any]:
        names = ("method", "partition", "candidates", "block_bits", "blocks", "max_depth", "branch_code", "index_code")
        return {name: getattr(self, name) for name in (*names, "bin_code")}

    def run(self) -> None:
        from recjax.atomic import require_file_place, write_atomically
        from recjax.images import read_images

        require_file_place(self.out)
        images = read_images(self.images)
        if self.method == "inr":
            self._run_lossy(images)
            return
        for name in ("bpp", "effort"):
            if getattr(self, name) is not None:
                raise UsageError(f"{self.method} has no use for {name}, which belongs to inr; leave it out.")
        from recjax.codecs.lossless import check_settings, compress

        try:
            check_settings(**self._options)
        except ValueError as error:
            raise UsageError(str(error)) from error
        model = _model_for(images, self.method, self.model)
        with _progress("compressing") as report:
            data = compress(
                images,
                model,
                **self._options,
                seed=self.seed,
                progress=report,
            )
        write_atomically(self.out, lambda part: part.write_bytes(data))
        print(f"{self.out}: {_rate(images.shape[0], len(data), images.size)} {_coded_with(data, model)}")

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
        model = _load_lossy(name)
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
    """A file made by `recjax compress`."""
    out: Target
    """NAME.npy, NAME.png for one image, or a folder for PNGs."""
    index: int | None = None
    """Write this image only, counted from 0; only files of bb-ans and bb-ans-rec then decode others too."""
    model: str | None = None
    """The model's path, if it is not a released one."""
    max_bytes: int = _MAX_BYTES
    """Refuse files whose images take more."""

    def run(self) -> None:
        from recjax.images import write_images

        images = _decode(self.file, self.model, self.max_bytes, self.index)
        write_images(self.out, images)
        print(f"{self.out}: {images.shape[0]} image{'s' * (images.shape[0] != 1)}")


@dataclass(frozen=True)
class Info:
    """Print what a file holds, and check its checksums, without decoding it."""

    file: Container
    """A file made by `recjax compress`."""
    json: bool = False
    """Print JSON."""

    def run(self) -> None:
        facts = _facts(_read_bytes(self.file, sys.maxsize))
        if self.json:
            print(json.dumps({"file": str(self.file), **facts}, indent=2))
            return
        for name, value in facts.items():
            text = ", ".join(f"{key} {item}" for key, item in value.items()) if isinstance(value, dict) else value
            print(f"{name.replace('_', ' '):20} {text}")


@dataclass(frozen=True)
class Verify:
    """Decode a whole file and report; with --against, compare the images too."""

    file: Container
    """A file made by `recjax compress`."""
    against: Path | None = None
    """Images that the file must hold: a PNG, a folder of PNGs or an .npy."""
    model: str | None = None
    """The model's path, if it is not a released one."""
    max_bytes: int = _MAX_BYTES
    """Refuse files whose images take more."""

    def run(self) -> None:
        import numpy as np

        from recjax.images import read_images

        images = _decode(self.file, self.model, self.max_bytes, None)
        rate = _rate(images.shape[0], self.file.stat().st_size, images.size)
        against = None if self.against is None else read_images(self.against)
        if _is_lossy(self.file) and against is not None and against.shape == images.shape:
            from recjax.codecs.lossy import psnr

            rate += f" {psnr(images, against).mean():.2f} dB against {self.against}."
        elif against is not None and not np.array_equal(images, against):
            raise ValueError(f"the images of {self.file} are not those of {self.against}; compress them again.")
        print(f"{self.file} is good: {rate}")


@dataclass(frozen=True)
class Models:
    """List the released models."""

    def run(self) -> None:
        from recjax.listing import show

        show()


@dataclass(frozen=True)
class Doctor:
    """Print versions and devices, and code a few images as a self-test."""

    def run(self) -> None:
        from recjax.doctor import examine

        if not examine(print):
            raise ValueError("the self-test failed on this machine; report the lines above with your hardware.")


COMMANDS = {
    "compress": Compress,
    "decompress": Decompress,
    "info": Info,
    "verify": Verify,
    "models": Models,
    "doctor": Doctor,
}


def _load(name: str) -> "Model":
    from recjax.cards import LOSSY
    from recjax.models.model import list_models, load_model

    released = list_models()
    if name not in released and (LOSSY / f"{name}.safetensors").is_file() and not Path(name).is_dir():
        raise UsageError(f"the model {name} is of lossy files; add --method inr to use it.")
    return load_model(_model_place(name, released))


def _load_lossy(name: str) -> "INRModel":
    from recjax.models.inr_model import list_models, load_model

    return load_model(_model_place(name, list_models()))


def _model_place(name: str, released: list[str]) -> str | Path:
    """A released model's name, or the path of a trained one."""
    trained = Path(name) / "model.safetensors"
    # A folder of images may be called like a released model.
    return trained if Path(name).is_dir() and (name not in released or trained.is_file()) else name


def _model_for(images: "np.ndarray", method: str, name: str | None) -> "Model":
    """The model of a name; without one the released model that suits images and method best."""
    if name is None:
        from recjax.cards import choose, read_cards
        from recjax.models.model import load_model

        return load_model(choose(read_cards(), images.shape[1:], int(images.max(initial=0)), method).name)
    return _load(name)


def _decode(path: Path, model_name: str | None, max_bytes: int, index: int | None) -> "np.ndarray":
    from recjax import container

    data = _read_bytes(path, max_bytes)
    # Whatever the container can refuse is refused before JAX is imported.
    file = container.read(data, max_bytes)
    if index is not None:
        file.locate(index)
    from recjax.codecs.files import decompress

    model = None
    if model_name is not None:
        model = (_load_lossy if file.header.method == "inr" else _load)(model_name)
    images = decompress(data, index=index, model=model, max_bytes=max_bytes)
    return images if index is None else images[None]


def _is_lossy(path: Path) -> bool:
    from recjax import container

    return container.read(path.read_bytes(), sys.maxsize).header.method == "inr"


def _read_bytes(path: Path, max_bytes: int) -> bytes:
    from recjax.container import largest_file

    size = path.stat().st_size
    if size > largest_file(max_bytes):
        raise ValueError(f"{path} has {size} bytes, too many for images of {max_bytes} bytes; raise --max-bytes.")
    return path.read_bytes()


def _facts(data: bytes) -> dict[str, object]:
    from recjax import chunks, container

    file = container.read(data, sys.maxsize)
    header = file.header
    bodies = [file.chunk(number) for number in range(header.num_chunks)]
    facts: dict[str, object] = {
        "method": header.method,
        "images": header.count,
        "image_shape": "x".join(map(str, header.image_shape)),
        "file_bytes": len(data),
        "raw_bytes": header.raw_bytes,
        "bits_per_dimension": round(8 * len(data) / header.raw_bytes, 4) if header.raw_bytes else None,
        "overhead_bytes": len(data) - sum(map(len, bodies)),
        "model": _released_name(header.model_digest.hex()),
        "model_digest": header.model_digest.hex(),
        "format": header.format_version,
        "stream": header.stream_version,
        "seed": header.seed,
        "parameters": dict(header.parameters),
        "chunks": header.num_chunks,
    }
    # How many messages a picture has is the model's to know, where it has several levels.
    if "chunk_images" in header.parameters and header.count and header.method != "inr":
        found = [chunks.unpack_messages(body, len(header.images_of(n))) for n, body in enumerate(bodies)]
        lengths = [int(bits) for messages in found for bits in messages.lengths_bits]
        facts["directory_bytes"] = sum(map(len, bodies)) - sum(messages.payload.size for messages in found)
        facts["message_bits"] = {
            "mean": round(sum(lengths) / len(lengths), 2),
            "min": min(lengths),
            "max": max(lengths),
        }
    return facts


def _released_name(digest: str) -> str | None:
    from recjax.cards import read_cards, read_lossy_cards

    return {card.digest[: len(digest)]: card.name for card in (*read_cards(), *read_lossy_cards())}.get(digest)


def _rate(count: int, file_bytes: int, raw_bytes: int) -> str:
    rate = f", {8 * file_bytes / raw_bytes:.3f} bits per dimension" if raw_bytes else ""
    return f"{count} image{'s' * (count != 1)}, {file_bytes:,} bytes{rate}."


def _coded_with(data: bytes, model: "Model") -> str:
    from recjax import container

    method = container.read(data, sys.maxsize).header.method
    return "Stored as they are." if method == "raw" else f"Coded by {method} with the model {model.name}."


@contextmanager
def _progress(task: str) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import Progress as Bar

    console = Console(stderr=True)
    with Bar(console=console, transient=True, disable=not console.is_terminal) as bar:
        row = bar.add_task(task, total=None)
        yield lambda done, total: bar.update(row, completed=done, total=total)
