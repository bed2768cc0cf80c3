"""Forecast errors. `actual` and `forecast` have shape (n,), in units of the target."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def wape(actual: Floats, forecast: Floats) -> float:
    """Weighted absolute percentage error, sum |a - f| / sum |a|; NaN where nothing was sold."""
    total = float(np.abs(actual).sum())
    return float(np.abs(actual - forecast).sum()) / total if total else float("nan")


def smape(actual: Floats, forecast: Floats) -> float:
    """Symmetric mean absolute percentage error in percent, mean 200 |a - f| / (|a| + |f|); 0/0 counts as 0."""
    if not len(actual):
        return float("nan")
    size = np.abs(actual) + np.abs(forecast)
    gap = np.abs(actual - forecast)
    return float(200 * np.mean(np.divide(gap, size, out=np.zeros_like(gap), where=size > 0)))


def rmse(actual: Floats, forecast: Floats) -> float:
    """Root mean squared error."""
    return float(np.sqrt(np.mean((actual - forecast) ** 2))) if len(actual) else float("nan")


def bias(actual: Floats, forecast: Floats) -> float:
    """sum (f - a) / sum |a|: above 0 the forecast is too high."""
    total = float(np.abs(actual).sum())
    return float((forecast - actual).sum()) / total if total else float("nan")


def mase(actual: Floats, forecast: Floats, scale: Floats) -> float:
    """Mean absolute scaled error: mean |a - f| / scale (Hyndman & Koehler 2006).

    `scale`, shape (n,), is the row's series' mean absolute error of the seasonal naive forecast within the training
    part; rows where it is 0 or unknown are left out.
    """
    usable = np.isfinite(scale) & (scale > 0)
    return float(np.mean(np.abs(actual - forecast)[usable] / scale[usable])) if usable.any() else float("nan")
