"""dataops.tables.metrics against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from dataops.tables import metrics

ACTUAL, FORECAST = np.array([10.0, 0.0, 20.0, 0.0]), np.array([8.0, 0.0, 25.0, 5.0])


def test_by_hand():
    """Errors 2, 0, 5 and 5 on sales of 30."""
    assert metrics.wape(ACTUAL, FORECAST) == pytest.approx(12 / 30)
    assert metrics.smape(ACTUAL, FORECAST) == pytest.approx((200 * 2 / 18 + 0 + 200 * 5 / 45 + 200) / 4)
    assert metrics.rmse(ACTUAL, FORECAST) == pytest.approx(math.sqrt(54 / 4))
    assert metrics.bias(ACTUAL, FORECAST) == pytest.approx(8 / 30)
    scale = np.array([4.0, 2.0, 0.0, np.nan])
    assert metrics.mase(ACTUAL, FORECAST, scale) == pytest.approx((2 / 4 + 0 / 2) / 2)


def test_perfect():
    """No error is 0 everywhere."""
    for metric in (metrics.wape, metrics.smape, metrics.rmse, metrics.bias):
        assert metric(ACTUAL, ACTUAL) == 0
    assert metrics.mase(ACTUAL, ACTUAL, np.ones(4)) == 0


def test_returns_count_by_their_size():
    """Negative actuals don't cancel what was sold."""
    assert metrics.wape(np.array([10.0, -10.0]), np.array([9.0, -9.0])) == pytest.approx(0.1)


def test_nothing_to_score():
    """No rows, no sales or no scale are NaN, not an error; no sales forecast as such are no error of smape."""
    none, zeros = np.array([]), np.zeros(3)
    for metric in (metrics.wape, metrics.smape, metrics.rmse, metrics.bias):
        assert math.isnan(metric(none, none))
    assert math.isnan(metrics.wape(zeros, zeros))
    assert math.isnan(metrics.bias(zeros, zeros))
    assert metrics.smape(zeros, zeros) == 0
    assert math.isnan(metrics.mase(zeros, zeros, zeros))
