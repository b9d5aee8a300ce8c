"""Train a pixel network on a folder of pictures, for `recjax compress --method pixel-network --model`.

    python -m training.pixel_network --data pictures --out runs/mine
    python -m training.pixel_network --data pictures --out runs/grey --grey --hidden 64 64
    recjax compress photo.png photo.rjx --method pixel-network --model runs/mine

Pictures are drawn equally often from each group: what their names begin with, up to an underscore. To continue a run
that was stopped, give the same command again: it resumes from the checkpoint.
"""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import rich.console
import tyro

from recjax.models.pixel_network import model as pixel_model
from recjax.models.pixel_network.model import PixelModel
from training.command import guarded, output_folder, require_same_run
from training.pixel_network.convert import convert
from training.pixel_network.crops import held_out, read_groups
from training.pixel_network.loop import PixelTraining, train

_HELD_OUT = 24


@dataclass(frozen=True)
class Command:
    """The options of the command line."""

    data: Path
    """Folder of PNG, JPEG and WebP pictures, of any sizes from that of a crop on."""
    out: Path
    """Folder for model.safetensors and checkpoint.safetensors; it is made if needed. Its name becomes the model's."""
    grey: bool = False
    """Train on grey pictures, for grey pictures."""
    hidden: tuple[int, ...] = (96, 96)
    """Units of each hidden layer."""
    steps: int = 20_000
    """Number of steps."""
    batch: int = 4
    """Number of crops of each step."""
    side: int = 32
    """Side of a crop in pixels."""
    rate: float = 3e-3
    """Largest learning rate."""
    seed: int = 0
    """Seed of the start and of the crops."""
    debug: bool = False
    """Show the whole traceback of an error instead of one sentence."""

    def run(self) -> None:
        """Trains a model and writes the model file."""
        out = output_folder(self.out)
        console = rich.console.Console()
        groups = read_groups(self.data, "L" if self.grey else "RGB")
        config = PixelTraining(self.hidden, self.steps, self.batch, self.side, self.rate, seed=self.seed)
        kept, tests = held_out(groups, _HELD_OUT)
        tests = tests or [own[-1] for own in groups.values()]
        count = sum(map(len, kept.values()))
        run = {"data": self.data.resolve().name, "pictures": count, "train": json.loads(json.dumps(asdict(config)))}
        path = out / "model.safetensors"
        require_same_run(path, run, lambda found: pixel_model.load_model(found).metadata)
        pictures, start = list(kept.values()), time.perf_counter()

        def report(done: int, loss: float, test: float) -> None:
            spent = time.perf_counter() - start
            console.print(
                f"step {done:,} of {config.steps:,}: {loss:.4f} bits per channel and pixel, {test:.4f} of pictures held"
                f" out, {spent:.0f} s",
                highlight=False,
            )

        parameters = train(pictures, tests, config, report, directory=out)
        model = PixelModel(convert(parameters, pictures), out.resolve().name)
        pixel_model.save_model(path, pixel_model.with_card(model, run))
        print(f"{path}: {path.stat().st_size:,} bytes, model {model.digest[:16]}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line.

    Args:
        arguments: The arguments; None takes those of the process.

    Returns:
        The exit code.
    """
    name, text = "python -m training.pixel_network", (__doc__ or "").strip()
    command = tyro.cli(Command, prog=name, description=text, args=arguments)
    return guarded("training.pixel_network", command.run, debug=command.debug)
