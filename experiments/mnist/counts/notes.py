"""Writes the notes below the tables of rates by the number of images."""

from typing import Any


def notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of selected counts.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    rows, model, device, alone = result["rows"], result["model"], result["device"], result["alone"]
    last = rows[-1]
    chain, start = last["bb-ans"], last["bb-ans-rec"]
    return (
        "Bits per image: 8 x bytes of the file / images, after it was decoded to equal images; ± is the standard error "
        "over files of different images, where there is more than one, and is mostly how much images differ. "
        f"-ELBO: of the exact model in integers, {model['exact_samples']} draws per image.",
        _smaller(rows, "bb-ans", "orc", "BB-ANS", "REC of each image alone"),
        _smaller(rows, "bb-ans-rec", "bb-ans", "BB-ANS started by REC", "BB-ANS"),
        f"{last['count']:,} images: {chain['initial_bits']:,.0f} initial bits are {_share(chain, last):.2f}% of the "
        f"BB-ANS file. BB-ANS started by REC has none: {start['rec_images']:,.0f} images sent by REC fill the "
        f"{start['lanes']} lanes of its coder. Its file is {_over(start, last):+.2f}% from -ELBO, that of REC of each "
        f"image alone {_over(last['orc'], last):+.2f}%.",
        f"REC: partitioned ORC, {alone['candidates']:,} candidates per block, blocks of up to {alone['block_bits']:,g} "
        "bits.",
        f"Model: {model['name']} ({model['origin']}, digest {model['digest'][:16]}), {model['latents']} latents. "
        "Encoder and decoder both have it, and its size is not counted.",
        f"Speeds: of the file of {last['count']:,} images on {device['kind']}, {device['cpu_cores']} CPU cores, "
        "compiled code.",
    )


def table_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of all counts.

    Args:
        result: The result of the experiment.

    Returns:
        The notes.
    """
    return (
        "Over -ELBO: relative to the -ELBO of the same images. Initial bits: of the BB-ANS file. Images sent by REC: "
        "those with which BB-ANS started by REC begins. Lanes: of the coders of BB-ANS and of BB-ANS started by REC.",
        f"Each row is a mean over up to n = {result['config']['runs']} files of different images, with different "
        "seeds. For REC of each image alone, each image is coded once, and files are put together from these codes.",
    )


def _smaller(rows: list[dict[str, Any]], first: str, second: str, name: str, other: str) -> str:
    """Says at which counts the first method's files are smaller than the second's, as ranges."""
    ranges: list[list[int]] = []
    before = False
    for row in rows:
        smaller = row[first]["file_bits"] < row[second]["file_bits"]
        if smaller and before:
            ranges[-1][1] = row["count"]
        elif smaller:
            ranges.append([row["count"]] * 2)
        before = smaller
    if not ranges:
        return f"{name} makes smaller files than {other} at no count."
    if ranges == [[rows[0]["count"], rows[-1]["count"]]]:
        return f"{name} makes smaller files than {other} at every count."
    words = [f"{low:,}" if low == high else f"{low:,} to {high:,}" for low, high in ranges]
    return f"{name} makes smaller files than {other} at {', '.join(words)} images, and at no other of the counts."


def _share(chain: dict[str, Any], row: dict[str, Any]) -> float:
    return 100 * chain["initial_bits"] / (chain["file_bits"] * row["count"])


def _over(one: dict[str, Any], row: dict[str, Any]) -> float:
    return 100 * (one["file_bits"] / row["bound_bits"] - 1)
