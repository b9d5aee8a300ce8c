"""Curves of rate against distortion, and one rate beside another at equal distortion."""

from collections.abc import Sequence
from typing import Any

import numpy as np


def curve(rows: Sequence[dict[str, Any]], rate: str = "bits_per_pixel") -> tuple[np.ndarray, np.ndarray]:
    """Rates and PSNR of points in the order of PSNR, without those that another one beats in both."""
    points = sorted((row["psnr_db"], row[rate]) for row in rows)
    kept: list[tuple[float, float]] = []
    for quality, bits in points:
        while kept and kept[-1][1] >= bits:
            kept.pop()
        kept.append((quality, bits))
    psnr, bits = np.asarray(kept).T
    return bits, psnr


def rate_at(bits: np.ndarray, psnr: np.ndarray, quality: float) -> float | None:
    """The rate of a curve at a PSNR, by log rates between its points; None beyond them."""
    if not psnr[0] <= quality <= psnr[-1]:
        return None
    return float(np.exp(np.interp(quality, psnr, np.log(bits))))


def psnr_at(bits: np.ndarray, psnr: np.ndarray, rate: float) -> float | None:
    """The PSNR of a curve at a rate, between its points over log rates; None beyond them."""
    if not bits[0] <= rate <= bits[-1]:
        return None
    return float(np.interp(np.log(rate), np.log(bits), psnr))


def savings(ours: Sequence[dict[str, Any]], others: Sequence[dict[str, Any]]) -> list[float]:
    """Share of the bits that our points save over a curve at equal PSNR, where it reaches that; at points of ours."""
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
    """`savings` at points of ours, or at points of the others where these are too few for a curve."""
    return savings(ours, others) or [1 - 1 / (1 - lost) for lost in savings(others, ours)]
