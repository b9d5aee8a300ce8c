"""Tells where the model is that a name stands for. Imports no JAX."""

from pathlib import Path


def model_place(name: str, released: list[str]) -> str | Path:
    """Resolves the name of a model to a released model or a path.

    Args:
        name: The name of a released model, the path of a model's file, or the folder of its training run.
        released: The names of the released models.

    Returns:
        The name of a released model, or the path of a model's file.
    """
    trained = Path(name) / "model.safetensors"
    # A folder of images may have the same name as a released model; only one that holds a model takes precedence.
    return trained if Path(name).is_dir() and (name not in released or trained.is_file()) else name
