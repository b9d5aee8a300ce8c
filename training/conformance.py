"""Write the reference files that are missing: one for each method, and one or two for each released model.

    python -m training.conformance --out recjax/conformance/references

Files that exist are never changed; see `recjax.conformance.check`.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import rich.console

from recjax.codecs.lossless import compression as lossless
from recjax.codecs.lossy import compression as lossy
from recjax.codecs.pixel_network.compression import encode as compress
from recjax.conformance import check as conformance
from recjax.container.methods import METHODS
from recjax.models.inr import model as inr_model
from recjax.models.pixel_network import model as pixel_model
from recjax.models.vae.evaluate import load_model
from recjax.pretrained.cards import read_cards
from training import data
from training.command import guarded, output_folder, parser_of

_IMAGES = 6
OPTIONS = {
    name: {"method": method.name, **options}
    for method in METHODS.values()
    if method.options.startswith("recjax.codecs.lossless.")
    for name, options in method.references.items()
}
"""The options of every lossless reference file, by the last part of its name; searches are as short as possible."""


def reference_files() -> list[tuple[str, str, str]]:
    """Lists the lossless reference files: all methods with one model, and a method or two with each of the others.

    Returns:
        The name of each file, the name of its model, and its key in OPTIONS.
    """
    files = [(f"digits-{name}", "digits", name) for name in OPTIONS]
    for card in read_cards():
        if card.name != "digits":
            methods = ("orc",) if "ikvae" in card.name else ("bb-ans", "orc")
            files += [(f"{card.name}-{method}", card.name, method) for method in methods]
    return files


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command `python -m training.conformance`.

    Args:
        arguments: The arguments of the command line; None for those of the process.

    Returns:
        The exit code: 0, or 1 with a sentence on stderr. Wrong usage exits with 2.
    """
    parser = parser_of("training.conformance", __doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder of the set, which may hold some of it")
    options = parser.parse_args(arguments)
    console = rich.console.Console()
    return guarded("training.conformance", lambda: _write(options.out, console), debug=options.debug)


def _write(out: Path, console: rich.console.Console) -> None:
    folder = output_folder(out)
    known = conformance.references(folder) if (folder / conformance.INDEX).exists() else []
    there = {reference.name for reference in known}
    cards = {card.name: card for card in read_cards()}
    for name, model_name, options in reference_files():
        if name not in there:
            images = data.load(cards[model_name].data, "test").coded[:_IMAGES]
            file = lossless.compress(images, load_model(model_name), **OPTIONS[options])
            _tell(console, conformance.add(name, model_name, file, folder), file)
    for model_name in inr_model.list_models():
        if f"{model_name}-inr" not in there:
            model = inr_model.load_model(model_name)
            # A model with one level codes only pictures of the size of a patch.
            picture = _picture() if len(model.spans) > 1 else _picture()[:, : model.shape.height, : model.shape.width]
            file = lossy.compress(picture, model, bits_per_pixel=0.4, effort="quick")
            _tell(console, conformance.add(f"{model_name}-inr", model_name, file, folder), file)
    for model_name in pixel_model.list_models():
        model = pixel_model.load_model(model_name)
        for kind, pictures in _pictures(len(model.channels)).items():
            if (name := f"{model_name}-{kind}") not in there:
                file = compress(pictures, model)
                _tell(console, conformance.add(name, model_name, file, folder), file)


def _pictures(channels: int) -> dict[str, np.ndarray]:
    """Makes pictures whose tiles have the sizes that are handled in different ways."""
    # Squares of one colour make a file that is small for its size.
    large = _picture()[0].repeat(9, axis=0).repeat(6, axis=1)[:270, :260]
    sets = {"tiles": large[None], "archive": np.stack([_picture()[0, :21, k : k + 30] for k in range(9)])}
    sets |= {"column": large[None, :, :1], "row": large[None, :1]}
    return {kind: pictures if channels == 3 else pictures[..., 1] for kind, pictures in sets.items()}


def _picture() -> np.ndarray:
    """Makes a small picture of soft shapes, 32x48, which is not a multiple of every patch size."""
    y, x = np.mgrid[:32, :48] / 32
    light = [0.5 + 0.4 * np.sin(3 * x + 2 * y), 0.3 + 0.5 * y, 0.6 - 0.3 * np.hypot(x - 0.7, y - 0.5)]
    return np.rint(255 * np.clip(np.stack(light, axis=-1), 0, 1)).astype(np.uint8)[None]


def _tell(console: rich.console.Console, reference: conformance.Reference, file: bytes) -> None:
    console.print(f"{reference.name}: {len(file)} bytes, {reference.shape}", highlight=False)


if __name__ == "__main__":
    sys.exit(main())
