"""What stands below the tables of the stronger model, from the figures."""

import json
from pathlib import Path
from typing import Any

from experiments.baselines.names import ONE_STREAM
from experiments.reporting.tables import below

REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "bit_swap.json"
PUBLISHED_NAME = "Bit-Swap, published"


def published_rate() -> float:
    """Bits/dim of Bit-Swap."""
    return _published()["rows"][0]["rate"]


def rate_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Notes of the table of rates."""
    published, device, alone, models = _published(), result["device"], result["alone"], result["models"]
    seeds, draws = len(result["config"]["seeds"]), models[0]["exact_samples"]
    notes = [
        "Every file was read back and decoded to equal images. Whole file: 8 x its bytes / pixels; bare: of a stream "
        "without the initial bits, which the decoder gets back, of an archive the images' codes without header, "
        f"directory, padding and checksums. Means over {seeds} seed{'s' * (seeds > 1)}.",
        "-ELBO, float: as the card states it, of the trained network; exact: of the integers that both sides compute, "
        f"{draws} draw{'s' * (draws > 1)} of the latents per image, with which files are compared. ± is the "
        "standard error over images, for files over seeds.",
        *map(_model_note, models),
        f"{_kind(alone)}. The chain that REC starts begins with images sent so.",
        *_comparisons(result),
        f"Speeds on {device['kind']}, {device['cpu_cores']} CPU cores, compiled code; other codecs on one thread.",
        f"{PUBLISHED_NAME}: {published['source']}; {published['status'].lower()} ({published['confirmed_in']}). "
        f"{published['note']}",
    ]
    return tuple(notes + ([result["left_out"]] if result["left_out"] else []))


def gain_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Notes of the table of what latents bring."""
    verdicts = []
    for model in result["models"]:
        gain = model["latent_gain"]
        share = 100 * gain["gain_bits"] / gain["zero_bits"]
        paid = f"latents bring {share:.1f}% of the bits that images cost without them"
        verdicts.append(f"{model['name']}: {paid if share > 0 else 'latents cost more than they bring'}.")
    count = result["models"][0]["latent_gain"]["images"]
    return (
        f"{count:,} test images, integers of the exact model; ± is the standard error over images. With the latents: "
        "-log2 p(x|z) and what the latents cost, which is -ELBO from one draw.",
        "At z = 0, the mean of the prior, images are coded by what a pixel's place and context tell; latents bring "
        "what that costs more. The model was trained with latents: one trained without them could do better than at 0.",
        *verdicts,
        f"The plot shows test image {result['config']['digit']}, at the mean of its posterior under each model.",
        "Active latents: with a mean KL above 0.1 bits; KL: of an image. Both are from the card.",
    )


def row_of(model: dict[str, Any], method: str) -> dict[str, Any]:
    """The row of a method."""
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
        f"{stronger['name']}, whole files: the best stream is {below(best, rate)} {name} ({rate:.3f}), and the "
        f"archive, where each image opens alone, {below(archive, rate)} it."
        for name, rate in rivals
    ]


def _model_note(model: dict[str, Any]) -> str:
    seen = model["context_radius"]
    sees = f"pixels see {2 * seen * (seen + 1)} decoded neighbours" if seen else "pixels see the latents alone"
    kl = "" if model["kl_bits"] is None else f", KL {model['kl_bits']:.1f} bits, {model['active_latents']} active"
    return (
        f"{model['name']} ({model['origin']}, digest {model['digest'][:16]}): {model['latents']} latents{kl}; "
        f"{model['likelihood']} pixels; {sees}."
    )


def _kind(alone: dict[str, Any]) -> str:
    partition = "partitioned ORC" if alone["partition"] else "ORC"
    return (
        f"REC: {partition}, {alone['candidates']:,} candidates a block, blocks of at most {alone['block_bits']:,g} bits"
    )
