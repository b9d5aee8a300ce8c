"""Sentences for numbers of a config that an experiment cannot use."""

from collections.abc import Iterable


def check_each(name: str, values: Iterable[float], least: float, most: float) -> None:
    """ValueError for no values, for one out of the range, and for the same one twice."""
    values = list(values)
    if not values or not least <= min(values) <= max(values) <= most or len(set(values)) < len(values):
        raise ValueError(f"{name} must be different numbers in {least:g} ... {most:g}, got {values}; change them.")


def check(name: str, value: float, least: float, most: float) -> None:
    """ValueError for a value out of the range."""
    if not least <= value <= most:
        raise ValueError(f"{name} must lie in {least:g} ... {most:g}, got {value:g}; change it.")
