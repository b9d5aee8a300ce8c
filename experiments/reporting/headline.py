"""The README's short table: a few recorded results, each beside the strongest of its peers."""

import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from experiments.baselines.names import JPEG_XL_9, ONE_STREAM
from experiments.benchmarks.candidates import report as candidates
from experiments.lossless_pictures import names as photographs
from experiments.mnist.bb_ans.report import PUBLISHED, REFERENCE
from experiments.mnist.context.notes import PUBLISHED_NAME, published_rate, row_of
from experiments.mnist.partition.plots import label
from experiments.rate_distortion.curves import psnr_differences
from experiments.rate_distortion.notes import rows_of

_CANDIDATES_CASE = "16 dimensions"
_GAIN = "PSNR above the peer's at equal file sizes"


class Headline(NamedTuple):
    """A row of the table, as text.

    Attributes:
        what: What was measured, with its unit.
        ours: The figure of recjax.
        peer: That of the strongest peer, with its name.
        source: The name of the experiment.
    """

    what: str
    ours: str
    peer: str
    source: str


def table(results: Path) -> str:
    """Renders the table from recorded results.

    Args:
        results: The folder of the results; a row whose result is not there is left out.

    Returns:
        The table as Markdown, with links that hold at the root of the repository.
    """
    loaded = {name: json.loads(path.read_text(encoding="utf-8")) for name in _ROWS if (path := _file(results, name))}
    rows = [row for name, result in loaded.items() for row in _ROWS[name](result)]
    lines = ["| what | recjax | strongest peer | all of it |", "| --- | ---: | ---: | --- |"]
    for row in rows:
        link = f"[{row.source}](experiments/results/{row.source}.md)"
        lines.append(f"| {row.what} | {row.ours} | {row.peer} | {link} |".replace("*", r"\*"))
    return "\n".join(lines) + "\n"


def _file(results: Path, name: str) -> Path | None:
    path = results / f"{name}.json"
    return path if path.exists() else None


def _context(result: dict[str, Any]) -> list[Headline]:
    stronger = result["models"][0]
    ours = {
        True: min(row["file_bits_per_dim"] for row in stronger["rows"] if row["access"] == ONE_STREAM),
        False: row_of(stronger, "orc")["file_bits_per_dim"],
    }
    found = []
    for together, words in ((True, "in one file"), (False, "each decodable alone")):
        peers = [
            (row["file_bits_per_dim"], row["name"])
            for row in result["baselines"]
            if (row["access"] == ONE_STREAM) == together
        ]
        rate, name = min([*peers, (published_rate(), PUBLISHED_NAME)] if together else peers)
        what = f"MNIST, {result['data']['count']:,} test images {words}, bits per pixel"
        found.append(Headline(what, f"{ours[together]:.3f}", f"{rate:.2f} ({name})", result["experiment"]))
    return found


def _chains(result: dict[str, Any]) -> list[Headline]:
    part = next(one for one in result["sets"] if one["data"]["levels"] == 2)
    published = json.loads(REFERENCE.read_text(encoding="utf-8"))["rows"]
    theirs = next(row["bb_ans"] for row in published if row["data"] == PUBLISHED[part["data"]["name"]])
    peers = [(row["file_bits_per_dim"], row["name"]) for row in part["baselines"] if row["access"] == ONE_STREAM]
    rate, name = min([*peers, (theirs, "BB-ANS, published")])
    what = f"binarised MNIST, {part['data']['count']:,} test images in one file, bits per pixel"
    return [Headline(what, f"{part['chain']['file_bits_per_dim']:.3f}", f"{rate:.2f} ({name})", result["experiment"])]


def _lossless_photographs(result: dict[str, Any]) -> list[Headline]:
    rows = photographs.rows_by_name(result)
    rates = {name: row["mean_bits_per_subpixel"] for name, row in rows.items()}
    ours = rates.pop(photographs.OURS)
    peers = [f"{rate:.3f} ({name})" for name, rate in rates.items() if name == JPEG_XL_9]
    if photographs.is_comparable(result):
        best = min(photographs.published()["rows"], key=lambda row: row["rate"])
        peers.append(f"{best['rate']:g} ({best['method']}, published)")
    what = f"{result['data']['count']} photographs without loss, bits per channel and pixel"
    return [Headline(what, f"{ours:.3f}", ", ".join(peers) or "-", result["experiment"])]


def _blocks(result: dict[str, Any]) -> list[Headline]:
    in_blocks = [row for row in result["rows"] if row["partition"] and row["candidates"] is not None]
    one_by_one = [row for row in result["rows"] if row["candidates"] is None]
    best, rival = (min(rows, key=lambda row: row["payload_overhead"]) for rows in (in_blocks, one_by_one))
    what = "MNIST, latents of one VAE by relative entropy coding: bits over the model's bound (-ELBO)"
    ours, theirs = (f"{100 * row['payload_overhead']:.1f}%" for row in (best, rival))
    return [
        Headline(
            what,
            ours,
            f"{theirs} ({label(rival).replace('per dimension', 'one latent at a time')})",
            result["experiment"],
        )
    ]


def _small_pictures(result: dict[str, Any]) -> list[Headline]:
    ours = rows_of(result, result["config"]["ways"][0]["label"])
    lowest, highest = min(row["bits_per_pixel"] for row in ours), max(row["bits_per_pixel"] for row in ours)
    what = f"lossy, RGB pictures of 32x32 at {lowest:.1f} to {highest:.1f} bits per pixel: {_GAIN}"
    name, differences = _hardest(result, "bits_per_pixel")
    # Headers are most of other codecs' files of this size.
    bare_name, bare = _hardest(result, "net_bits_per_pixel")
    peer = f"{name} (against {bare_name} without its headers {_span(bare)})"
    return [Headline(what, _span(differences), peer, result["experiment"])]


def _photographs(result: dict[str, Any]) -> list[Headline]:
    name, differences = _hardest(result, "bits_per_pixel")
    return [Headline(f"lossy, photographs: {_GAIN}", _span(differences), name, result["experiment"])]


def _hardest(result: dict[str, Any], rate: str) -> tuple[str, list[float]]:
    """The codec that is ahead by most, or behind by least, and our PSNR less its own at our rates."""
    ours = rows_of(result, result["config"]["ways"][0]["label"])
    differences = psnr_differences(ours, result["peers"], rate)
    name = min(differences, key=lambda peer: float(np.mean(differences[peer])))
    return name, differences[name]


def _span(values: Iterable[float]) -> str:
    values = sorted(values)
    return f"{values[0]:+.1f} to {values[-1]:+.1f} dB"


def _candidates(result: dict[str, Any]) -> list[Headline]:
    found = candidates.rates(result)
    middle = {who: float(np.median(own)) / 1e6 for (case, who), own in found.items() if case == _CANDIDATES_CASE}
    ours = middle.pop(candidates.OURS)
    name = max(middle, key=middle.__getitem__)
    what = f"candidates of {_CANDIDATES_CASE} that a CPU core searches, million a second"
    return [Headline(what, f"{ours:.0f}", f"{middle[name]:.0f} ({candidates.LABELS[name]})", result["experiment"])]


def _million(rates: Iterable[float]) -> float:
    return float(np.median(list(rates))) / 1e6


_ROWS: dict[str, Callable[[dict[str, Any]], list[Headline]]] = {
    "mnist_context": _context,
    "mnist_bb_ans": _chains,
    "mnist_partition": _blocks,
    "lossless_pictures": _lossless_photographs,
    "cifar10_rate_distortion": _small_pictures,
    "kodak_rate_distortion": _photographs,
    "bench_candidates": _candidates,
}
