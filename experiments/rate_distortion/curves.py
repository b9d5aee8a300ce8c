"""Curves of rate against distortion, and their comparison at equal distortion or equal rate."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def curve(rows: Sequence[dict[str, Any]], rate: str = "bits_per_pixel") -> tuple[np.ndarray, np.ndarray]:
    """Sorts points by PSNR, leaving out those with lower PSNR and no lower rate than another point.

    Args:
        rows: Points with "psnr_db" and a rate.
        rate: Key of the rate.

    Returns:
        Rates and PSNR in dB, both ascending, of the points kept.
    """
    points = sorted((row["psnr_db"], row[rate]) for row in rows)
    kept: list[tuple[float, float]] = []
    for quality, bits in points:
        while kept and kept[-1][1] >= bits:
            kept.pop()
        kept.append((quality, bits))
    psnr, bits = np.asarray(kept).T
    return bits, psnr


def rate_at(bits: np.ndarray, psnr: np.ndarray, quality: float) -> float | None:
    """Interpolates the rate of a curve at a PSNR, linearly in the logarithm of the rate.

    Args:
        bits: Rates of the curve, ascending.
        psnr: PSNR of the curve in dB, ascending.
        quality: The PSNR in dB.

    Returns:
        The rate, or None beyond the ends of the curve.
    """
    if not psnr[0] <= quality <= psnr[-1]:
        return None
    return float(np.exp(np.interp(quality, psnr, np.log(bits))))


def psnr_at(bits: np.ndarray, psnr: np.ndarray, rate: float) -> float | None:
    """Interpolates the PSNR of a curve at a rate, linearly in the logarithm of the rate.

    Args:
        bits: Rates of the curve, ascending.
        psnr: PSNR of the curve in dB, ascending.
        rate: The rate.

    Returns:
        The PSNR in dB, or None beyond the ends of the curve.
    """
    if not bits[0] <= rate <= bits[-1]:
        return None
    return float(np.interp(np.log(rate), np.log(bits), psnr))


def psnr_differences(
    ours: Sequence[dict[str, Any]], peers: Mapping[str, Sequence[dict[str, Any]]], rate: str
) -> dict[str, list[float]]:
    """Subtracts the PSNR of other codecs from ours at the rates of our points.

    Args:
        ours: Our points, with "bits_per_pixel" and "psnr_db".
        peers: The points of each other codec by its name.
        rate: The key of the rate of their points.

    Returns:
        The differences in dB by codec, at those of our rates that its curve reaches. Codecs that reach
        none are left out.
    """
    found = {}
    for name, points in peers.items():
        bits, psnr = curve([point for point in points if point[rate] > 0], rate)
        theirs = [(row["psnr_db"], psnr_at(bits, psnr, row["bits_per_pixel"])) for row in ours]
        if differences := [own - other for own, other in theirs if other is not None]:
            found[name] = differences
    return found


def savings(ours: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> list[float]:
    """Computes the share of bits that points save over another curve at equal PSNR.

    Args:
        ours: The points.
        others: Points of the other curve; the result is empty for fewer than two.

    Returns:
        Shares, negative where more bits are used, for each of our points whose PSNR the other curve covers.
    """
    if len(others) < 2:
        return []
    bits, psnr = curve(others)
    found = []
    for row in ours:
        rate = rate_at(bits, psnr, row["psnr_db"])
        if rate is not None:
            found.append(1 - row["bits_per_pixel"] / rate)
    return found


def savings_either_way(ours: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> list[float]:
    """Computes `savings` at our points, or at the points of the others where that yields none.

    Args:
        ours: The points.
        others: Points of the other curve.

    Returns:
        Shares of bits that we save; empty if the two have no PSNR in common.
    """
    return savings(ours, others) or [1 - 1 / (1 - lost) for lost in savings(others, ours)]
