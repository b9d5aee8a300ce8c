"""Shows the released models as tables on a terminal, from their cards alone, without JAX."""

from dataclasses import asdict
from io import StringIO
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from recjax.pretrained.cards import Card, LossyCard, PixelCard, read_cards, read_lossy_cards, read_pixel_cards
from recjax.text import quoted, say

_WIDTH = 200


def show() -> None:
    """Prints the released models: those for images of one shape, those for pictures of any size, and lossy ones."""
    _show(_lossless(read_cards()))
    say("One stream, single images: bits per dimension of whole files of the test images.")
    say("")
    _show(_pictures(read_pixel_cards()))
    say("Bits per channel and pixel of whole files of test pictures, by `recjax compress --method pixel-network`.")
    say("")
    _show(_lossy(read_lossy_cards()))
    say("PSNR: of files of test pictures, by `recjax compress --method inr`.")


def facts() -> dict[str, Any]:
    """Collects what the cards state, for JSON.

    Returns:
        The cards of the lossless models, of the pixel networks, and of the lossy models.
    """
    return {
        "lossless": [asdict(card) for card in read_cards()],
        "pixel_networks": [asdict(card) for card in read_pixel_cards()],
        "lossy": [asdict(card) for card in read_lossy_cards()],
    }


def _show(table: Table) -> None:
    # Printed at a fixed width, lines that are too long for the terminal are wrapped by it, and not cut off.
    lines = StringIO()
    Console(file=lines, width=_WIDTH, color_system=None).print(table)
    for line in lines.getvalue().splitlines():
        say(line.rstrip())


def _lossless(cards: list[Card]) -> Table:
    table = _table(
        ("model", "images"), ("latents", "parameters", "bytes", "one stream", "single images"), ("data", "digest")
    )
    for card in cards:
        images = f"{'x'.join(map(str, card.image_shape))}, {card.levels} levels"
        stream = ("bb-ans", card.files["bb-ans"]) if "bb-ans" in card.files else None
        rates = [f"{rate[1]:.3f} {rate[0]}" if rate else "-" for rate in (stream, card.single)]
        _add(table, card, images, *_sizes(card), *rates)
    return table


def _pictures(cards: list[PixelCard]) -> Table:
    table = _table(("pixel network", "pictures"), ("parameters", "bytes"), ("bits/channel", "data", "digest"))
    for card in cards:
        pictures = "RGB of any size" if card.channels == 3 else "grey of any size"
        rates = ", ".join(f"{rate:.3f} {name}" for name, rate in card.rates.items())
        _add(table, card, pictures, f"{card.parameters:,}", f"{card.file_bytes:,}", rates)
    return table


def _lossy(cards: list[LossyCard]) -> Table:
    table = _table(
        ("lossy model", "pictures"), ("latents", "parameters", "bytes"), ("bits/pixel: PSNR", "data", "digest")
    )
    for card in cards:
        side = "x".join(map(str, card.patch[:2]))
        pictures = f"{side} RGB" if card.whole_pictures else f"RGB of any size, patches of {side}"
        rates = ", ".join(f"{rate:.2f}: {psnr:.1f} dB" for rate, psnr in card.rates)
        _add(table, card, pictures, *_sizes(card), rates)
    return table


def _add(table: Table, card: Card | LossyCard | PixelCard, *cells: str) -> None:
    # As Text, since rich would take brackets in plain strings for markup.
    name, data, digest = (Text(quoted(one)) for one in (card.name, card.data, card.digest[:16]))
    table.add_row(name, *cells, data, digest)


def _sizes(card: Card | LossyCard) -> list[str]:
    return [f"{value:,}" for value in (card.latents, card.parameters, card.file_bytes)]


def _table(names: tuple[str, ...], numbers: tuple[str, ...], others: tuple[str, ...]) -> Table:
    table = Table(box=None, pad_edge=False)
    for title in names:
        table.add_column(title, no_wrap=True)
    for title in numbers:
        table.add_column(title, justify="right", no_wrap=True)
    for title in others:
        table.add_column(title, no_wrap=True)
    return table
