"""Lists of experiments: the tables and figures of the papers with our numbers beside theirs, and every config."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from experiments.lossless_pictures import names as photographs
from experiments.mnist.bb_ans.report import PUBLISHED, REFERENCE
from experiments.mnist.context.notes import published_rate, row_of
from experiments.rate_distortion.curves import savings_either_way
from experiments.rate_distortion.notes import rows_of
from experiments.reporting.pages import PAGES, SAFETY, SCIENCE, SPEED, machine, minutes

_SPACE_PARTITIONING = REFERENCE.with_name("space_partitioning_2024.json")
_UNKNOWN = "not known to us"
_KINDS = {SCIENCE: "What is sent", SPEED: "How fast", SAFETY: "How safe"}

Row = tuple[str, str, str]
"""What is compared, our number, and the published one."""


def papers(results: Path) -> str:
    """Renders the table of the papers' tables and figures, with our numbers beside the published ones.

    Args:
        results: The folder of the recorded results.

    Returns:
        The table as Markdown, with links that hold in `experiments/`.
    """
    head = "| paper | what | config | time | ours | published | result |"
    lines = [head, "| --- | --- | --- | --- | --- | --- | --- |"]
    for name, (paper, rows_of_result) in _PAPERS.items():
        path = results / f"{name}.json"
        if not path.exists():
            continue
        result = json.loads(path.read_text(encoding="utf-8"))
        for what, ours, published in rows_of_result(result):
            cells = (paper, what, f"`{name}`", minutes(result), ours, published, f"[page](results/{name}.md)")
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def configs(results: Path) -> str:
    """Renders the lists of all configs with their questions and times.

    Args:
        results: The folder of the recorded results.

    Returns:
        A table for each kind of experiment as Markdown, with links that hold in `experiments/`.
    """
    parts = []
    for kind, title in _KINDS.items():
        lines = [f"| {title} | question | time |", "| --- | --- | --- |"]
        for name, page in PAGES.items():
            path = results / f"{name}.json"
            if page.kind == kind and path.exists():
                result = json.loads(path.read_text(encoding="utf-8"))
                taken = f"{minutes(result)}, {machine(result)}"
                lines.append(f"| [`{name}`](results/{name}.md) | {page.question} | {taken} |")
        parts.append("\n".join(lines) + "\n")
    return "\n".join(parts)


def _toy(result: dict[str, Any]) -> list[Row]:
    rows = {(row["divergence"], row["partitioned"]): row["steps"] for row in result["exact"]}
    most = max(divergence for divergence, _ in rows)
    plain, cut = rows[most, False], rows[most, True]
    ours = f"{plain:,.0f} steps to {cut:,.0f}"
    what = f"toy problem in 5 dimensions: exact search at {most:g} bits of D_inf, plain and partitioned"
    return [(what, ours, _UNKNOWN)]


def _ablation(result: dict[str, Any]) -> list[Row]:
    distances = {row["arm"]: f"{row['bias_ks']:.3f}" for row in result["arms"]}
    ours = " / ".join(distances[arm] for arm in ("none", "uninformative", "random", "informative"))
    what = "ablation, KS distance with no intervals / on the dimension without information / at random / by information"
    return [(what, ours, _UNKNOWN)]


def _table_1(result: dict[str, Any]) -> list[Row]:
    in_blocks = min(
        row["payload_overhead"] for row in result["rows"] if row["partition"] and row["candidates"] is not None
    )
    saved = [1 - (1 + in_blocks) / (1 + row["payload_overhead"]) for row in result["rows"] if row["candidates"] is None]
    what = "Table 1, MNIST: bits saved over coders of single latents"
    return [(what, f"{100 * min(saved):.1f} to {100 * max(saved):.1f}%", _claimed())]


def _curves(result: dict[str, Any]) -> list[Row]:
    first, second = (way["label"] for way in result["config"]["ways"][:2])
    saved = savings_either_way(rows_of(result, first), rows_of(result, second))
    what = "CIFAR-10: bits saved over blocks of 16 bits at equal PSNR, the same network"
    mean = 100 * float(np.mean(saved))
    return [(what, f"{100 * min(saved):.1f} to {100 * max(saved):.1f}%, mean {mean:.1f}%", _claimed())]


def _claimed() -> str:
    row = json.loads(_SPACE_PARTITIONING.read_text(encoding="utf-8"))["rows"][0]
    return f"{100 * row['least']:.0f} to {100 * row['most']:.0f}% (abstract; other networks)"


def _steps(result: dict[str, Any]) -> list[Row]:
    least = min(row["from"] for row in result["fits"])
    slopes = {row["coder"]: row["slope"] for row in result["fits"] if row["from"] == least}
    ours = f"{slopes['as_star']:.2f} / {slopes['ad_star']:.2f}"
    return [("steps of AS\\* / AD\\* for each bit of D_inf", ours, "O(D_inf) for AS\\*, no slope (abstract)")]


def _isokl(result: dict[str, Any]) -> list[Row]:
    found = []
    pairs = (("mnist-vae-20", "ad-star", "AD\\*, VAE"), ("mnist-ikvae-20", "dad-star", "DAD\\*, IsoKL VAE"))
    for model, coder, words in pairs:
        rows = next(one["rows"] for one in result["models"] if one["name"] == model)
        rate = next(row for row in rows if row["method"] == coder)["codes"]["learned"]["payload_bits_per_dim"]
        found.append((f"MNIST table, 20 latents, {words}: bits/dim", f"{rate:.3f}", _UNKNOWN))
    return found


def _bits_back(result: dict[str, Any]) -> list[Row]:
    published = {row["data"]: row for row in json.loads(REFERENCE.read_text(encoding="utf-8"))["rows"]}
    found = []
    for part in result["sets"]:
        theirs = published[PUBLISHED[part["data"]["name"]]]
        what = f"table of rates, {theirs['data']}: bits/dim, initial bits left out"
        found.append((what, f"{part['chain']['net_bits_per_dim']:.3f}", f"{theirs['bb_ans']:.2f}"))
    return found


def _bit_swap(result: dict[str, Any]) -> list[Row]:
    rate = row_of(result["models"][0], "bb-ans")["file_bits_per_dim"]
    what = "full MNIST: bits/dim (ours by another network, initial bits included)"
    return [(what, f"{rate:.3f}", f"{published_rate():.2f}")]


def _photographs(result: dict[str, Any]) -> list[Row]:
    if not photographs.is_comparable(result):
        return []
    rate = photographs.rows_by_name(result)[photographs.OURS]["mean_bits_per_subpixel"]
    theirs = next(row["rate"] for row in photographs.published()["rows"] if row["method"] == "CALLIC")
    what = "Kodak without loss: bits per channel and pixel (ours by another network)"
    return [(what, f"{rate:.3f}", f"{theirs:g}")]


_PAPERS: dict[str, tuple[str, Callable[[dict[str, Any]], list[Row]]]] = {
    "synthetic_partition": ("[space partitioning](https://arxiv.org/abs/2405.12203)", _toy),
    "synthetic_ablation": ("space partitioning", _ablation),
    "mnist_partition": ("space partitioning", _table_1),
    "cifar10_rate_distortion": ("space partitioning", _curves),
    "synthetic_scalar": ("[A\\* coding](https://arxiv.org/abs/2201.12857)", _steps),
    "mnist_isokl": ("A\\* coding", _isokl),
    "mnist_bb_ans": ("[BB-ANS](https://arxiv.org/abs/1901.04866)", _bits_back),
    "mnist_context": ("[Bit-Swap](https://arxiv.org/abs/1905.06845)", _bit_swap),
    "lossless_pictures": ("[CALLIC](https://arxiv.org/abs/2412.17464)", _photographs),
}
