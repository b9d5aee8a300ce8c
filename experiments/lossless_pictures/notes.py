"""Writes the notes below the tables of lossless photographs from the recorded figures."""

from typing import Any

from experiments.lossless_pictures.names import OURS, published, rows_by_name
from experiments.reporting.tables import machine, rounded


def codec_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of codecs.

    Args:
        result: The recorded result of `experiments.lossless_pictures.run`.

    Returns:
        The notes.
    """
    device, count = result["device"], result["data"]["count"]
    first, model = result["first_call_seconds"], result["model"]
    notes = [
        f"Bits per channel and pixel: 8 x bytes of the file / (3 x pixels), a mean over n = {count} "
        f"picture{'s' * (count > 1)}. Every file was decoded in this run and compared with its picture. "
        f"{OURS}: the model `{model['name']}` of digest {model['digest'][:16]}, one for all pictures.",
        f"Times are of {device['cpu_cores']} CPU cores ({machine(device)}), of calls after a first one; codecs took "
        f"turns, picture by picture. Other codecs ran on one thread, {OURS} on all cores. The first call of {OURS}, "
        f"which compiles, took {first['encode']:.1f} s to encode and {first['decode']:.1f} s to decode.",
        f"Encoding by {OURS} includes the decoding by which every file is checked; without it, "
        f"{_encoding_alone(result)}.",
        *_of_settings(result),
    ]
    return tuple(notes + ([result["left_out"]] if result["left_out"] else []))


def picture_notes(result: dict[str, Any]) -> tuple[str, ...]:
    """Writes the notes of the table of pictures.

    Args:
        result: The recorded result of `experiments.lossless_pictures.run`.

    Returns:
        The notes.
    """
    found = result["smaller"]
    if found is None:
        return ()
    return (
        f"The file of {OURS} is smaller than that of {found['than']} for {found['pictures']} of "
        f"{result['data']['count']} pictures.",
    )


def published_notes() -> tuple[str, ...]:
    """Writes the notes of the table of published rates."""
    return (published()["note"],)


def _encoding_alone(result: dict[str, Any]) -> str:
    """Says how fast our encoder is without its check, which takes as long as decoding."""
    seconds = rows_by_name(result)[OURS]["seconds"]
    height, width = result["data"]["shape"][:2]
    left = sum(seconds["encode"]) - sum(seconds["decode"])
    if left <= 0:
        return "what is left was too short to be measured"
    return (
        f"{rounded(result['data']['count'] * height * width / 1e6 / left)} megapixels/s (the difference of both times)"
    )


def _of_settings(result: dict[str, Any]) -> list[str]:
    parts = [f"{row['name']}: {row['settings']}" for row in result["rows"] if row["name"] != OURS]
    return [f"{'; '.join(parts)}."] if parts else []
