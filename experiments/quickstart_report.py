"""The quickstart's result as one table and one plot, from its JSON alone."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments import plots
from experiments.tables import ABSENT, Table, number, rounded, with_error

COLUMNS = (
    "method",
    "one stream, bits/dim",
    "per image, bits/dim",
    "ideal bits/dim",
    "over -ELBO",
    "latent code, bits/image",
    "encode images/s",
    "decode images/s",
    "bias (KS)",
)

WORDS = {"one stream": "one stream", "per image": "each image alone"}
"""How the plot says it to readers who have no notes beside them."""


def tables(result: dict[str, Any]) -> list[Table]:
    """The one table: the model's bound, the recjax files, then the general-purpose codecs."""
    bound = result["model"]
    first = ("-ELBO of the VAE", ABSENT, ABSENT)
    first += (with_error(bound["minus_elbo_bits_per_dim"], bound["minus_elbo_bits_per_dim_se"], 3), ABSENT)
    first += (f"KL {number(bound['kl_bits_per_image'], 1)}", ABSENT, ABSENT, ABSENT)
    rows = [first, *map(_method_row, result["methods"]), *_baseline_rows(result["baselines"])]
    return [Table(_title(result), COLUMNS, tuple(rows), _notes(result))]


def plot(result: dict[str, Any], path: Path) -> None:
    """Bits per pixel of every method, split into what the pixels, the latents and the file's own needs cost."""
    data = result["data"]
    bars = []
    for row in result["methods"]:
        pixels, latents = row["likelihood_bits_per_dim"], row["code_bits_per_dim"]
        rest = max(row["file_bits_per_dim"] - pixels - latents, 0.0)
        bars.append(plots.Bar(f"recjax {row['label']} ({WORDS[row['access']]})", (pixels, latents, rest)))
    streams = [row for row in result["baselines"] if row["access"] == "one stream"]
    for row in sorted(streams, key=lambda row: row["file_bits_per_dim"]):
        bars.append(plots.Bar(f"{row['name']} (one stream)", (row["file_bits_per_dim"],), plain=True))
    examples = data["examples"]
    pictures = np.frombuffer(bytes.fromhex(examples["hex"]), np.uint8).reshape(examples["shape"])
    plots.stacked_bars(
        path,
        bars,
        parts=(
            "pixels, once the latent code is known",
            "latent code (what the image is about)",
            "file header, index, start-up bits",
        ),
        plain_label="codecs that know nothing of digits",
        line=(result["model"]["minus_elbo_bits_per_dim"], "rate of the model itself (-ELBO)"),
        title=f"How small do {data['count']} handwritten digits get, with every pixel kept?",
        axis="bits per pixel (shorter is better; uncompressed: 8)",
        pictures=pictures,
        levels=data["levels"],
    )


def _title(result: dict[str, Any]) -> str:
    data = result["data"]
    height, width = data["shape"]
    pixels = f"{height}x{width} pixels, {data['levels']} grey levels"
    return f"{data['count']} {data['split']} images of {data['name']}, {pixels}, lossless"


def _method_row(row: dict[str, Any]) -> tuple[str, ...]:
    size = with_error(row["file_bits_per_dim"], row["file_bits_per_dim_se"], 3)
    whole, single = (size, ABSENT) if row["access"] == "one stream" else (ABSENT, size)
    return (
        row["label"],
        whole,
        single,
        number(row["ideal_bits_per_dim"], 3),
        number(100 * row["overhead"], 1, "%"),
        number(row["code_bits_per_image"], 1),
        rounded(row["encode_images_per_second"]),
        rounded(row["decode_images_per_second"]),
        number(row["bias_ks"], 3),
    )


def _baseline_rows(rates: list[dict[str, Any]]) -> list[tuple[str, ...]]:
    """One row for each codec; speeds are those of the one stream, the faster form."""
    by_name: dict[str, dict[str, dict[str, Any]]] = {}
    for rate in rates:
        by_name.setdefault(rate["name"], {})[rate["access"]] = rate
    rows = []
    for name, forms in by_name.items():
        whole, single = forms["one stream"], forms["per image"]
        sizes = (number(whole["file_bits_per_dim"], 3), number(single["file_bits_per_dim"], 3))
        speeds = (rounded(whole["encode_images_per_second"]), rounded(whole["decode_images_per_second"]))
        rows.append((name, *sizes, ABSENT, ABSENT, ABSENT, *speeds, ABSENT))
    return rows


def _notes(result: dict[str, Any]) -> tuple[str, ...]:
    data, bound, device = result["data"], result["model"], result["device"]
    seeds = len(result["config"]["seeds"])
    notes = [
        "bits/dim: 8 x bytes of the file / pixels, after the file was read back and decoded to equal images. "
        "One stream: all images in one message. Per image: every image can be decoded alone "
        "(recjax: one indexed file; the others: one file each, whose headers dominate at this size).",
        "ideal: latent code - log2 p(x|z), without container and coder. ± is the standard error: "
        f"over {seeds} seed{'s' * (seeds > 1)} for files, over images for -ELBO.",
        "bias: Kolmogorov-Smirnov distance of the coded latents from their posteriors, 0 when exact.",
        f"Making the networks exact (integers only) changed -ELBO by {100 * bound['conversion_loss']:+.3f}%.",
    ]
    for row in result["methods"]:
        if row["initial_bits"]:
            share, rest = row["initial_bits"] / data["pixels"], 100 * row["overhead_after_initial_bits"]
            notes.append(
                f"{row['label']}: {row['initial_bits']:,.0f} initial bits ({share:.3f} bits/dim) are in the file; "
                f"without them it is {rest:+.2f}% from -ELBO."
            )
    pairs = _plain_and_partitioned(result["methods"])
    for plain, split in pairs:
        notes.append(
            f"{split['label']} against {plain['label']} at {_budget(split)}: "
            f"{split['ideal_bits_per_dim']:.3f} against {plain['ideal_bits_per_dim']:.3f} total bits/dim "
            f"(latent code - log2 p(x|z)), bias {number(split['bias_ks'], 3)} against {number(plain['bias_ks'], 3)}."
        )
    notes.append(f"Speeds: second and later runs (compiled), {device['kind']}, {device['cpu_cores']} CPU cores.")
    return tuple(notes)


def _plain_and_partitioned(methods: list[dict[str, Any]]) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Rows that differ in space partitioning alone."""

    def settings(row: dict[str, Any]) -> dict[str, Any]:
        return {key: value for key, value in row["method"].items() if key != "partition"}

    plain = [row for row in methods if not row["method"]["partition"]]
    split = [row for row in methods if row["method"]["partition"]]
    return [(a, b) for a in plain for b in split if settings(a) == settings(b)]


def _budget(row: dict[str, Any]) -> str:
    candidates, block_bits = row["method"]["candidates"], row["method"]["block_bits"]
    given = [f"{candidates:,} candidates a block"] if candidates else []
    given += [f"blocks of {block_bits:g} bits"] if block_bits else []
    return " and ".join(given) or "equal settings"
