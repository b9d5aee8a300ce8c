"""The straight line through a coder's mean steps, with errors that know how straight the means are."""

from typing import Any

import numpy as np


def fit_line(rows: list[dict[str, Any]], name: str, start: float = 0) -> list[dict[str, Any]]:
    """The line through a coder's mean steps over divergences from `start` on, by weighted least squares.

    chi2_per_dof: of the means about it, about 1 if they lie on a line but for their errors. Where it is larger, the
    errors of slope and offset are larger by its root. No line through fewer than three means.
    """
    own = [row for row in rows if row["coder"] == name and row["divergence"] >= start]
    if len(own) < 3:
        return []
    x, y, error = (np.array([row[key] for row in own]) for key in ("divergence", "steps", "steps_se"))
    # A search that always takes one step has no error.
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
