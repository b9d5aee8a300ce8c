"""From a folder of your images to a model trained on them, and to files of images by that model.

    python -m experiments.tutorials.b_train_on_a_folder

The commands are those that you would type; here the folder holds the digits of scikit-learn as PNGs, and training is
cut short. With more epochs and a larger network, files get smaller. The categorical likelihood gives each grey value a
probability of its own, as these pixels take only 17 of the 256 values; the default one is for photographs.
"""

import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from recjax.images.files import read_images, write_images
from training import data

TRAIN = (
    "python -m training.vae --data scans --out run --vae.latents 12 --vae.hidden 64 "
    "--vae.likelihood categorical --train.epochs 40 --train.kl-warmup-epochs 5 --train.learning-rate 0.005"
)
RELEASE = "python -m training.vae.release run --name scans --out released --data scans --files bb-ans"
COMMANDS = (
    TRAIN,  # scans is a folder of grey PNGs of one size, or an .npy; run gets the model and a checkpoint
    RELEASE,  # released gets scans.safetensors and a card with its measured rates
    "recjax compress new new.rjx --model released/scans.safetensors",
    "recjax info new.rjx",
    "recjax verify new.rjx --against new --model released/scans.safetensors",
    "recjax decompress new.rjx back --model released/scans.safetensors",
)


def run(command: str, folder: Path) -> None:
    """Runs a command in a folder, with this Python and with the modules of this checkout."""
    print("$", command)
    first, *rest = shlex.split(command)
    program = [sys.executable] if first == "python" else [sys.executable, "-m", "recjax"]
    root = str(Path(__file__).resolve().parents[2])
    code = f"import sys, runpy; sys.path.insert(0, {root!r}); sys.argv = sys.argv[1:]; "
    module = rest[1] if first == "python" else "recjax"
    arguments = rest[2:] if first == "python" else rest
    code += f"runpy.run_module({module!r}, run_name='__main__', alter_sys=True)"
    subprocess.run([program[0], "-c", code, module, *arguments], cwd=folder, check=True)


def main(folder: Path) -> float:
    """Makes the folders of images, runs the commands, and returns the rate of the file in bits per pixel."""
    images = 15 * data.load("digits", "train").images
    new = 15 * data.load("digits", "test").images[:200]
    write_images(folder / "scans", images)
    write_images(folder / "new", new)
    for command in COMMANDS:
        run(command, folder)
    assert np.array_equal(read_images(folder / "back"), new)
    return 8 * (folder / "new.rjx").stat().st_size / new.size


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        main(Path(temporary))
