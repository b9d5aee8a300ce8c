"""The options of the method that codes pictures pixel by pixel. Imports no JAX."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PixelOptions:
    """Holds the options of the method, which has none so far."""
