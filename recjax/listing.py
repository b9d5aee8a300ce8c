"""The released models as tables on a terminal, from their cards alone, without JAX."""

from rich.console import Console
from rich.table import Table

from recjax.cards import Card, LossyCard, read_cards, read_lossy_cards

_WIDTH = 200


def show() -> None:
    """Print what is released: lossless models with their rates, lossy ones with rates and PSNR."""
    # A line that is too long for a terminal is wrapped by it, and nothing of it is lost.
    console = Console(width=_WIDTH)
    console.print(_lossless(read_cards()))
    console.print("One stream, single images: bits per dimension of whole files of the test images.", style="dim")
    console.print()
    console.print(_lossy(read_lossy_cards()))
    console.print("PSNR: of files of test pictures, by `recjax compress --method inr`.", style="dim")


def _lossless(cards: list[Card]) -> Table:
    table = _table(
        ("model", "images"), ("latents", "parameters", "bytes", "one stream", "single images"), ("data", "digest")
    )
    for card in cards:
        images = f"{'x'.join(map(str, card.image_shape))}, {card.levels} levels"
        stream = ("bb-ans", card.files["bb-ans"]) if "bb-ans" in card.files else None
        rates = [f"{found[1]:.3f} {found[0]}" if found else "-" for found in (stream, card.single)]
        table.add_row(card.name, images, *_sizes(card), *rates, card.data, card.digest[:16])
    return table


def _lossy(cards: list[LossyCard]) -> Table:
    table = _table(
        ("lossy model", "pictures"), ("latents", "parameters", "bytes"), ("bits/pixel: PSNR", "data", "digest")
    )
    for card in cards:
        side = "x".join(map(str, card.patch[:2]))
        pictures = f"{side} RGB" if card.whole_pictures else f"RGB of any size, patches of {side}"
        rates = ", ".join(f"{rate:.2f}: {psnr:.1f} dB" for rate, psnr in card.rates)
        table.add_row(card.name, pictures, *_sizes(card), rates, card.data, card.digest[:16])
    return table


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
