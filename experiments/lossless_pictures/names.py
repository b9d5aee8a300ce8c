"""The name of our own row, and the published rates."""

import json
from pathlib import Path
from typing import Any

OURS = "recjax"
REFERENCE = Path(__file__).resolve().parents[1] / "reference" / "kodak_lossless.json"
ALL_PICTURES = 24
"""Number of pictures that the published rates are of."""


def published() -> dict[str, Any]:
    """Returns the published rates of whole pictures of Kodak, with their sources."""
    return json.loads(REFERENCE.read_text(encoding="utf-8"))


def is_comparable(result: dict[str, Any]) -> bool:
    """Tells whether a result is of the pictures that the published rates are of.

    Args:
        result: The recorded result of `experiments.lossless_pictures.run`.

    Returns:
        Whether it is of all pictures, uncropped.
    """
    return result["data"]["count"] == ALL_PICTURES and not result["config"]["crop"]


def rows_by_name(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Returns the row of each codec by its name.

    Args:
        result: The recorded result of `experiments.lossless_pictures.run`.

    Returns:
        The rows, ours first.
    """
    return {row["name"]: row for row in result["rows"]}
