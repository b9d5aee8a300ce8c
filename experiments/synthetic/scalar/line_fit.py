"""Fits a straight line to a coder's mean steps, with standard errors that account for deviations from the line."""

from typing import Any

import numpy as np


def fit_line(rows: list[dict[str, Any]], name: str, start: float = 0) -> list[dict[str, Any]]:
    """Fits a line to a coder's mean steps against the divergence, by weighted least squares.

    Args:
        rows: Rows of exact coders.
        name: The coder.
        start: Smallest divergence of the fit, in bits.

    Returns:
        One row, or none for fewer than three means. "chi2_per_dof" is about 1 if the means deviate from a line by their
        standard errors only; where it is larger, the errors of slope and offset are multiplied by its square root.
        "largest_miss" is the largest distance of a mean from the line, in steps.
    """
    own = [row for row in rows if row["coder"] == name and row["divergence"] >= start]
    if len(own) < 3:
        return []
    x, y, error = (np.array([row[key] for row in own]) for key in ("divergence", "steps", "steps_se"))
    # The standard error is 0 where every search takes one step.
    error = np.maximum(error, 1e-6)
    (slope, offset), covariance = np.polyfit(x, y, 1, w=1 / error, cov="unscaled")
    misses = y - slope * x - offset
    chi2 = float(np.sum(np.square(misses / error)) / (len(own) - 2))
    centre = np.average(y, weights=error**-2)
    r_squared = 1 - np.sum(np.square(misses / error)) / np.sum(np.square((y - centre) / error))
    fit = {"coder": name, "slope": float(slope), "offset": float(offset), "r_squared": float(r_squared)}
    errors = np.sqrt(np.diag(covariance) * max(1.0, chi2))
    fit |= dict(zip(("slope_se", "offset_se"), errors.tolist(), strict=True)) | {"chi2_per_dof": chi2}
    return [fit | {"largest_miss": float(np.abs(misses).max()), "from": float(x.min()), "to": float(x.max())}]
