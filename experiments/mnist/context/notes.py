"""Writes the notes below the tables of the stronger model."""

import json
from pathlib import Path
from typing import Any

from experiments.baselines.names import ONE_STREAM
from experiments.reporting.tables import below

REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "bit_swap.json"
PUBLISHED_NAME = "Bit-Swap, published"


def published_rate() -> float:
    """Returns the published rate of Bit-Swap, in bits per pixel."""
    return _published()["rows"][0]["rate"]


def rate_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of rates.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    published, device, alone, models = _published(), result["device"], result["alone"], result["models"]
    seeds, draws = len(result["config"]["seeds"]), models[0]["exact_samples"]
    notes = [
        "Every file was read back and decoded to equal images. Whole file: 8 x its bytes / pixels. Message: of one "
        "stream, the file without the initial bits, which the decoder gets back; of images decodable alone, their "
        f"codes without header, directory, padding and checksums. Means over n = {seeds} seed{'s' * (seeds > 1)}.",
        "-ELBO, float: of the trained network, as the model's card states it; exact: of the integer network that "
        f"encoder and decoder evaluate, {draws} draw{'s' * (draws > 1)} of the latents per image; files are compared "
        "with the exact one. ± is the standard error over images for -ELBO, over seeds for files.",
        *map(_model_note, models),
        f"{_kind(alone)}. BB-ANS started by REC sends its first images so, and needs no initial bits.",
        *_comparisons(result),
        f"Speeds on {device['kind']}, {device['cpu_cores']} CPU cores, compiled code; other codecs on one thread.",
        f"{PUBLISHED_NAME}: {published['source']}; {published['status'].lower()} ({published['confirmed_in']}). "
        f"{published['note']}",
    ]
    return tuple(notes + ([result["left_out"]] if result["left_out"] else []))


def gain_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of the gain from latents.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    verdicts = []
    for model in result["models"]:
        gain = model["latent_gain"]
        share = 100 * gain["gain_bits"] / gain["zero_bits"]
        paid = f"latents save {share:.1f}% of the bits at z = 0"
        verdicts.append(f"{model['name']}: {paid if share > 0 else 'latents cost more than they save'}.")
    count = result["models"][0]["latent_gain"]["images"]
    return (
        f"{count:,} test images, exact model in integers; ± is the standard error over images. With the latents: "
        "-log2 p(x|z) + log2 q(z)/p(z), which is -ELBO from one draw.",
        "At z = 0, the mean of the prior, the code of a pixel depends on its place and context alone. Saved by the "
        "latents: bits at z = 0 less bits with the latents. A model trained without latents may need fewer bits than "
        "this one at z = 0.",
        *verdicts,
        f"The plot shows test image {result['config']['digit']}, at the mean of its posterior under each model.",
        "Active latents: those of a mean KL above 0.1 bits. KL: mean per image. Both are from the model's card.",
    )


def row_of(model: dict[str, Any], method: str) -> dict[str, Any]:
    """Returns the row of a method.

    Args:
        model: A model of the result.
        method: The method.

    Returns:
        The row.
    """
    return next(row for row in model["rows"] if row["method"] == method)


def _published() -> dict[str, Any]:
    return json.loads(REFERENCE.read_text(encoding="utf-8"))


def _comparisons(result: dict[str, Any]) -> list[str]:
    stronger, *others = result["models"]
    stream, archive = (row_of(stronger, method)["file_bits_per_dim"] for method in ("bb-ans", "orc"))
    best = min(stream, row_of(stronger, "bb-ans-rec")["file_bits_per_dim"])
    rivals = [("Bit-Swap's published rate", published_rate())]
    brotli = [r for r in result["baselines"] if r["name"] == "brotli" and r["access"] == ONE_STREAM]
    rivals += [("brotli's one stream", row["file_bits_per_dim"]) for row in brotli]
    rivals += [(f"the stream of {other['name']}", row_of(other, "bb-ans")["file_bits_per_dim"]) for other in others]
    return [
        f"{stronger['name']}, whole files: the smaller of both streams is {below(best, rate)} {name} ({rate:.3f} "
        f"bits/dim), and the file of images decodable alone {below(archive, rate)} it."
        for name, rate in rivals
    ]


def _model_note(model: dict[str, Any]) -> str:
    seen = model["context_radius"]
    sees = (
        f"a pixel depends on the latents and on {2 * seen * (seen + 1)} decoded neighbours"
        if seen
        else "a pixel depends on the latents alone"
    )
    kl = "" if model["kl_bits"] is None else f", KL {model['kl_bits']:.1f} bits, {model['active_latents']} active"
    return (
        f"{model['name']} ({model['origin']}, digest {model['digest'][:16]}): {model['latents']} latents{kl}; "
        f"{model['likelihood'].replace('_', ' ')} likelihood; {sees}."
    )


def _kind(alone: dict[str, Any]) -> str:
    partition = "partitioned ORC" if alone["partition"] else "ORC"
    return (
        f"REC: {partition}, {alone['candidates']:,} candidates per block, blocks of up to {alone['block_bits']:,g} bits"
    )
