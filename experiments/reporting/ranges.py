"""Checks numbers of a config against the ranges that an experiment can use."""

from collections.abc import Iterable


def check_each(name: str, values: Iterable[float], least: float, most: float) -> None:
    """Checks that values are distinct and within a range, and that there is at least one.

    Args:
        name: The key of the config, for the message.
        values: The values.
        least: The smallest allowed value.
        most: The largest allowed value.

    Raises:
        ValueError: There are no values, one is out of range, or one occurs twice.
    """
    values = list(values)
    if not values or not least <= min(values) <= max(values) <= most or len(set(values)) < len(values):
        raise ValueError(f"{name} must be different numbers in {least:g} ... {most:g}, got {values}; change them.")


def check(name: str, value: float, least: float, most: float) -> None:
    """Checks that a value is within a range.

    Args:
        name: The key of the config, for the message.
        value: The value.
        least: The smallest allowed value.
        most: The largest allowed value.

    Raises:
        ValueError: The value is out of range.
    """
    if not least <= value <= most:
        raise ValueError(f"{name} must lie in {least:g} ... {most:g}, got {value:g}; change it.")
