"""The list of released models, from their cards: data, licence, how they are trained, measured rates, digests."""

import json
from pathlib import Path
from typing import Any

from recjax.pretrained import cards

_ROOT = Path(__file__).resolve().parents[2]
_FORMER_MODULES = {"python -m training ": "python -m training.vae ", "training.representations": "training.inr"}
"""Names of modules on cards that were written when the modules had others."""


def lossless() -> str:
    """Renders the table of the models for lossless files.

    Returns:
        The table as Markdown.
    """
    head = "| model | images | parameters | latents | -ELBO | smallest file | digest |"
    lines = [head, "| --- | --- | ---: | ---: | ---: | --- | --- |"]
    for card in cards.read_cards():
        method, rate = min(card.files.items(), key=lambda item: item[1])
        images = f"{'x'.join(map(str, card.image_shape))}, {card.levels} levels"
        cells = (
            f"`{card.name}`", images, f"{card.parameters:,}", f"{card.latents}", f"{card.elbo_bits_per_dim:.4f}",
            f"{rate:.4f} by `{method}`", f"`{card.digest[:16]}`",
        )  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def pictures() -> str:
    """Renders the table of the pixel networks.

    Returns:
        The table as Markdown.
    """
    lines = ["| model | pictures | parameters | bytes | bits per channel and pixel | digest |"]
    lines.append("| --- | --- | ---: | ---: | --- | --- |")
    for card in cards.read_pixel_cards():
        kind = "RGB of any size" if card.channels == 3 else "grey of any size"
        rates = ", ".join(f"{name}: {rate:.3f}" for name, rate in card.rates.items())
        cells = (f"`{card.name}`", kind, f"{card.parameters:,}", f"{card.file_bytes:,}", rates, f"`{card.digest[:16]}`")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def lossy() -> str:
    """Renders the table of the models for lossy files.

    Returns:
        The table as Markdown.
    """
    lines = ["| model | pictures | parameters | bits per pixel: PSNR | digest |", "| --- | --- | ---: | --- | --- |"]
    for path, card in _documents(cards.LOSSY):
        pictures = f"of {'x'.join(map(str, card['patch'][:2]))}" if card["whole_pictures"] else "of any size"
        points = ", ".join(f"{one['bits_per_pixel']:.2f}: {one['psnr_db']:.1f} dB" for one in card["files"])
        cells = (f"`{path.stem}`", pictures, f"{card['parameters']:,}", points, f"`{card['digest'][:16]}`")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def origins() -> str:
    """Renders the list of what the models were trained on, under which licence and by which command.

    Returns:
        A list as Markdown; models that were made alike share an item.
    """
    alike: dict[tuple[str, str], list[str]] = {}
    for folder in (cards.PRETRAINED, cards.PIXEL_NETWORKS, cards.LOSSY):
        for path, card in _documents(folder):
            command = card.get("command") or _config_command(card["name"])
            for before, now in _FORMER_MODULES.items():
                command = command.replace(before, now)
            alike.setdefault((command, card.get("licence") or _licence(card["data"])), []).append(f"`{path.stem}`")
    lines = [f"- {', '.join(names)}: `{command}`; {licence}.\n" for (command, licence), names in alike.items()]
    return "".join(lines)


def _documents(folder: Path) -> list[tuple[Path, dict[str, Any]]]:
    return [(path, json.loads(path.read_text(encoding="utf-8"))) for path in sorted(folder.glob("*.json"))]


def _config_command(name: str) -> str:
    """The command of the config that trains a model of a name, which is the one that says most of it."""
    found = [path for path in sorted((_ROOT / "configs").glob("*.toml")) if f'name = "{name}"' in _training_part(path)]
    return f"python -m experiments configs/{found[0].name} --train"


def _training_part(path: Path) -> str:
    text = path.read_text(encoding="utf-8")
    return text if "--train " in text else ""


def _licence(data: str) -> str:
    source = {"mnist": "MNIST", "sampled_mnist": "MNIST, with pixels drawn as 0 or 1"}[data]
    return f"weights MIT; trained on the first 55,000 training images of {source}"
