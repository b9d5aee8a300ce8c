"""Turn a trained pixel network into a released one: a file and a card with the rates of files of test pictures.

    python -m training.pixel_network.release runs/mine --name mine --out released --test holiday=pictures/holiday

Every file is decoded before its rate is stated.
"""

import hashlib
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import rich.console
import tyro

from recjax.codecs.pixel_network import compression
from recjax.io.atomic import write_atomically
from recjax.models.pixel_network import model as pixel_model
from recjax.models.pixel_network.model import PixelModel
from training.command import guarded, require_no_model
from training.pixel_network.crops import Picture, read_groups


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    run: tyro.conf.Positional[Path]
    """Folder of a training run, or path of a model file."""
    name: str
    """Name of the released model."""
    out: Path
    """Folder for the released model; the models that come with recjax are in recjax/pretrained/pixel_networks."""
    test: tuple[str, ...] = ()
    """Test sets as NAME=FOLDER: folders of pictures that files are measured on."""
    force: bool = False
    """Replace a model of this name if there is one."""
    command: str = ""
    """Command that the model was trained with, to be stated on the card."""
    licence: str = ""
    """Licence of the weights and the data, to be stated on the card."""
    debug: bool = False
    """Show the whole traceback of an error instead of one sentence."""

    def act(self) -> None:
        """Measures files, and writes the model file and its card.

        Raises:
            ValueError: A model of this name exists and --force is not set, or a test set cannot be read.
        """
        require_no_model(self.out, self.name, force=self.force)
        path = self.run / "model.safetensors" if self.run.is_dir() else self.run
        model = replace(pixel_model.load_model(path), name=self.name)
        mode = "L" if len(model.channels) == 1 else "RGB"
        sets: dict[str, list[Picture]] = {}
        for one in self.test:
            name, equals, folder = one.partition("=")
            if not equals:
                raise ValueError(f"a test set is given as NAME=FOLDER, got {one!r}; give it so.")
            sets[name] = [picture for own in read_groups(Path(folder), mode).values() for picture in own]
        console = rich.console.Console(stderr=True)
        files = []
        for name, pictures in sets.items():
            with console.status(f"files of {name}"):
                files.append({"data": name, **measured(model, pictures)})
        texts = {"command": self.command, "licence": self.licence}
        texts = {key: text for key, text in texts.items() if text}
        model = pixel_model.with_card(model, model.metadata | {"files": files} | texts)
        written = write(model, self.out, force=self.force)
        for file in files:
            print(f"{file['data']}: {file['bits_per_dim']:.4f} bits per channel and pixel, {file['pictures']} pictures")
        print(f"{written}: {written.stat().st_size:,} bytes, model {model.digest[:16]}")


def measured(model: PixelModel, pictures: Sequence[Picture]) -> dict[str, Any]:
    """Measures the files of pictures, one file for each.

    Args:
        model: The model.
        pictures: The pictures, uint8 [height, width, channels].

    Returns:
        The number of pictures, the bytes of all files, and the bits per channel and pixel.
    """
    sizes = []
    for picture in pictures:
        image = picture if picture.shape[-1] == 3 else picture[..., 0]
        sizes.append((len(compression.encode(image[None], model)), picture.size))
    file_bytes, values = map(sum, zip(*sizes, strict=True))
    return {"pictures": len(pictures), "file_bytes": file_bytes, "bits_per_dim": 8 * file_bytes / values}


def write(model: PixelModel, folder: Path, *, force: bool = False) -> Path:
    """Writes a released model as NAME.safetensors, and its card as NAME.json.

    Args:
        model: The model, whose card states measured files.
        folder: The folder, which is made if needed.
        force: Whether a model of this name may be replaced.

    Returns:
        The path of the model file.

    Raises:
        ValueError: There is a model of this name and `force` is not set.
    """
    require_no_model(folder, model.name, force=force)
    path = folder / f"{model.name}.safetensors"
    pixel_model.save_model(path, model)
    leaves = [layer for channel in model.channels for layer in (*channel.network.layers, channel.skip)]
    card = {
        "name": model.name,
        "digest": model.digest,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "file_bytes": path.stat().st_size,
        "channels": len(model.channels),
        "parameters": sum(layer.weight_high.size + layer.bias.size for layer in leaves),
        **model.metadata,
    }
    text = json.dumps(card, indent=1, sort_keys=False) + "\n"
    write_atomically(path.with_suffix(".json"), lambda part: part.write_text(text, encoding="utf-8"))
    return path


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: The arguments; None takes those of the process.

    Returns:
        The exit code.
    """
    name, text = "python -m training.pixel_network.release", (__doc__ or "").strip()
    command = tyro.cli(Command, prog=name, description=text, args=arguments)
    return guarded("training.pixel_network.release", command.act, debug=command.debug)


if __name__ == "__main__":
    sys.exit(main())
