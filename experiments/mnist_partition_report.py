"""The experiment on space partitioning as a table and a plot, from its JSON alone."""

from pathlib import Path
from typing import Any

import numpy as np

from experiments import panels
from experiments.tables import ABSENT, Table, number, with_error, with_p_value

COLUMNS = (
    "method",
    "blocks",
    "samples per block",
    "payload, bits/dim",
    "over -ELBO",
    "whole file, bits/dim",
    "over -ELBO",
    "code, bits/image",
    "-log p(x|z), bits/dim",
    "bias (KS)",
    "log-ratio KS",
    "ms/image",
    "images",
)
CODE_COLUMNS = (
    "bins",
    "indices",
    "code, bits/image",
    "saved, bits/image",
    "payload, bits/dim",
    "over -ELBO",
    "whole file, bits/dim",
    "over -ELBO",
)
NAMES = {
    "orc": "ORC", "pfr": "PFR", "as-star": "AS*", "ad-star": "AD*", "dad-star": "DAD*", "gprs": "GPRS",
}  # fmt: skip


def tables(result: dict[str, Any]) -> list[Table]:
    """A row for every method, number of blocks and candidates, below the bound; and what learned codes save."""
    model = result["model"]
    bound = with_error(model["exact_bits_per_dim"], model["exact_standard_error"], 4)
    kl = sum(result["kl"]["mean_bits"])
    gaps = (ABSENT,) * 5
    first = ("theoretical optimum (-ELBO)", ABSENT, ABSENT, bound, ABSENT, ABSENT, ABSENT, f"KL {kl:.1f}", *gaps)
    title = f"Relative entropy coding of MNIST, each image alone, {model['name']} ({model['latents']} latents)"
    rates = Table(title, COLUMNS, (first, *map(_row, result["rows"])), _notes(result))
    return [rates, _codes(result)] if result["codes"] else [rates]


def label(row: dict[str, Any]) -> str:
    """What people call the method of a row."""
    name = NAMES[row["method"]]
    if row["candidates"] is None:
        return f"{name}, per dimension"
    return f"{name}, partitioned" if row["partition"] else name


def plot(result: dict[str, Any], path: Path) -> None:
    """Rates by candidates, the KL of images beside its mean, and the histogram of blocks."""
    made, axes = panels.figure(1, 3, (16.5, 5.0), "How does relative entropy coding of MNIST depend on the partition?")
    _plot_rates(axes[0, 0], result)
    _plot_scatter(axes[0, 1], result["kl"])
    _plot_blocks(axes[0, 2], result["kl"])
    panels.save(made, path)


def _row(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        label(row),
        ABSENT if row["candidates"] is None else f"{row['blocks']}",
        ABSENT if row["candidates"] is None else f"{row['candidates']:,}",
        with_error(row["payload_bits_per_dim"], row["payload_bits_per_dim_se"], 4),
        _percent(row, "payload"),
        with_error(row["file_bits_per_dim"], row["file_bits_per_dim_se"], 4),
        _percent(row, "file"),
        number(row["code_bits_per_image"], 1),
        number(row["likelihood_bits_per_dim"], 4),
        with_p_value(row["bias_ks"], row["bias_ks_pvalue"]),
        with_p_value(row["bias_log_ratio_ks"], row["bias_log_ratio_pvalue"]),
        number(row["milliseconds_per_image"], 2),
        f"{row['images_per_seed']:,}",
    )


def _codes(result: dict[str, Any]) -> Table:
    first, rows = result["codes"][0], []
    for row in result["codes"]:
        saved = first["code_bits_per_image"] - row["code_bits_per_image"]
        rows.append(
            (
                "equal" if row["bin_code"] == "uniform" else row["bin_code"],
                row["index_code"],
                number(row["code_bits_per_image"], 2),
                ABSENT if row is first else number(saved, 2),
                with_error(row["payload_bits_per_dim"], row["payload_bits_per_dim_se"], 4),
                _percent(row, "payload"),
                with_error(row["file_bits_per_dim"], row["file_bits_per_dim_se"], 4),
                _percent(row, "file"),
            )
        )
    blocks = f"{first['blocks']} block{'s' * (first['blocks'] > 1)}"
    title = f"What learned codes save: {label(first)}, {blocks} of {first['candidates']:,} samples"
    return Table(title, CODE_COLUMNS, tuple(rows), _code_notes(result), "codes", (0, 1))


def _code_notes(result: dict[str, Any]) -> tuple[str, ...]:
    first, codes = result["codes"][0], result["config"]["codes"]
    source = "that the model holds"
    if first["learned_here"]:
        source = f"learned in this run, of indices on {codes['learn_images']:,} training images, of bins on all"
    return (
        f"The same samples of {first['images_per_seed']:,} test images for each of {result['config']['seeds']} seeds, "
        f"so that rows differ by their codes alone. Laws {source}.",
        "Bins: of an interval of a latent, equal as under the prior, or by the mean of the training images' "
        "posteriors. Indices: a zeta law with the mean that is expected, or a histogram for each block.",
    )


def _percent(row: dict[str, Any], name: str) -> str:
    error = row[f"{name}_overhead_se"]
    return f"{with_error(100 * row[f'{name}_overhead'], None if error is None else 100 * error, 2)}%"


def _notes(result: dict[str, Any]) -> tuple[str, ...]:
    seeds, device = result["config"]["seeds"], result["device"]
    return (
        f"Means over {seeds} seeds, each of its own images of the {result['data']['count']:,} test images; images: of "
        f"a seed, fewer where a file would search more than {result['config']['most_candidates']:,} candidates. ± is "
        "the standard error over seeds.",
        "Every file was read back and decoded to equal images. Payload: the codes of the images, the final state of "
        "the coder included; whole file: with header, directory, padding and checksums.",
        "Over -ELBO: against the exact -ELBO of the very images that were coded, so that images that are easy by "
        "chance do not count; the optimum above is of all.",
        "-log p(x|z) is at the z that was sent. Bias: Kolmogorov-Smirnov distances of samples from their posteriors, "
        "of the worst latent (p corrected for their number) and of the log ratio.",
        f"ms/image: encoding on {device['kind']}, {device['cpu_cores']} CPU cores, compiled code, median over seeds.",
        "Bins are equally likely, and indices and depths have zeta laws in all rows.",
        "The figures of Table 1 of arXiv:2405.12203 are not known to us, so no published row stands here.",
    )


def _plot_rates(panel: Any, result: dict[str, Any]) -> None:
    kinds: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for row in result["rows"]:
        if row["candidates"] is not None:
            kinds.setdefault((label(row), row["most_blocks"]), []).append(row)
    for (name, blocks), rows in kinds.items():
        style = "-" if "partitioned" in name else ":"
        rates = [row["payload_bits_per_dim"] / row["bound_bits_per_dim"] for row in rows]
        text = f"{name}, {blocks} block{'s' * (blocks > 1)}"
        panel.plot([row["candidates"] for row in rows], rates, style, marker="o", markersize=4, label=text)
    for row in result["rows"]:
        if row["candidates"] is None:
            panel.axhline(row["payload_bits_per_dim"] / row["bound_bits_per_dim"], linestyle="--", color=panels.GREY)
            panel.annotate(label(row), (1, row["payload_bits_per_dim"] / row["bound_bits_per_dim"]), fontsize=7,
                           xycoords=("axes fraction", "data"), ha="right", va="bottom")  # fmt: skip
    panel.set_xscale("log", base=2)
    panels.name(panel, "What do blocks and candidates bring?", "samples per block", "payload / -ELBO (lower is better)")
    panel.legend(frameon=False, fontsize=7)


def _plot_scatter(panel: Any, kl: dict[str, Any]) -> None:
    mean, images = np.asarray(kl["mean_bits"]), np.asarray(kl["images_bits"])
    panel.scatter(np.tile(mean, len(images)), images.ravel(), s=3, alpha=0.25, color=panels.BLUE, linewidths=0)
    top = float(mean.max()) * 1.05 + 0.1
    panel.plot([0, top], [0, top], "--", color="black", linewidth=1)
    panels.name(
        panel,
        f"Is the KL of an image that of the mean? {len(images)} test images",
        "mean KL of a latent over training images (bits)",
        "its KL for one image (bits)",
    )


def _plot_blocks(panel: Any, kl: dict[str, Any]) -> None:
    for number_, (counts, mean) in enumerate(zip(kl["block_counts"], kl["block_mean_bits"], strict=True)):
        colour = (panels.BLUE, panels.ORANGE, panels.GREEN, panels.RED)[number_ % 4]
        text = f"block {number_ + 1}, mean {mean:.1f}"
        panels.histogram(panel, counts, kl["block_edges_bits"], sum(counts), colour, text)
    title = f"How much do blocks of {kl['training_images']:,} training images hold?"
    panels.name(panel, title, "KL of a block (bits)", "density")
    panel.legend(frameon=False, fontsize=8)
