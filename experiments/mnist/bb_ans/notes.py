"""Writes the notes below the tables of the BB-ANS experiment."""

from typing import Any


def rate_notes(result: dict[str, Any], published: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of rates.

    Args:
        result: The result of the experiment.
        published: The published figures with their source and status.

    Returns:
        The notes.
    """
    seeds = len(result["config"]["seeds"])
    first = result["sets"][0]["model"]
    notes = [
        "BB-ANS, whole file: 8 x bytes of the whole file / pixels, after it was read back and decoded to equal images, "
        f"mean over n = {seeds} seed{'s' * (seeds > 1)}; net: without the initial bits, which the decoder gets back.",
        "-ELBO, float: of the trained network, as the model's card states it; exact: of the integer network that "
        f"encoder and decoder evaluate, {first['exact_samples']} draws of the latents per image. ± is the standard "
        "error over images for -ELBO, over seeds for files. Net over -ELBO: relative to the float one if it is of "
        "the same images, else to the exact one.",
        f"published: {published['source']}, {published['status'].lower()} ({published['confirmed_in']}). "
        f"{published['note']}",
        "One stream: the bytes of all images in one file, 8 pixels per byte if pixels have 2 levels. Per image: one "
        "file for each, of which headers are the larger part where pixels have 2 levels.",
    ]
    notes += [_model_note(one) for one in result["sets"]]
    return tuple(notes + ([result["left_out"]] if result["left_out"] else []))


def codec_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of codecs.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    device = result["device"]
    notes = [
        "One stream: the bytes of all images for gzip, bz2, xz, zstd and brotli, one mosaic of all images for PNG, "
        "WebP and JPEG XL. Every file was decoded to equal images. Settings are the strongest that take about 20 "
        "seconds.",
        f"Speeds of the one stream on {device['kind']}, {device['cpu_cores']} CPU cores: compiled code and the median "
        "over seeds for BB-ANS, one run on one thread for the others.",
    ]
    return tuple(notes + ([result["left_out"]] if result["left_out"] else []))


def chain_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of chains.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    lengths = [
        f"{one['model']['name']}: the whole file is within 1% of its net rate from {length:,} images on"
        for one in result["sets"]
        if (length := _negligible_from(one["curve"])) is not None
    ]
    return (
        "Each row is a mean over files of disjoint sets of images, all decoded to equal images; ± is the standard "
        "error over these files, mostly as images differ. -ELBO: exact, of the same images.",
        "File: the whole file; net: the file without the initial bits. Both include the header and the checksum. Long "
        "chains have up to 256 lanes of the coder, whose states count as initial bits.",
        *(f"{text}." for text in lengths),
    )


def _negligible_from(curve: list[dict[str, Any]]) -> int | None:
    found = None
    for row in reversed(curve):
        if row["gross_bits_per_dim"] > 1.01 * row["net_bits_per_dim"]:
            break
        found = row["count"]
    return found


def _model_note(one: dict[str, Any]) -> str:
    model, chain = one["model"], one["chain"]
    samples = "" if model["samples"] is None else f", {model['samples']} posterior samples per image"
    return (
        f"{model['name']} ({model['origin']}, digest {model['digest'][:16]}): {model['latents']} latents"
        f"{samples}; {chain['initial_bits']:,.0f} initial bits in a file of {chain['file_bytes'][-1]:,} bytes."
    )
