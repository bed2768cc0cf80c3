"""dataops.tables.figures: numbers for people."""

from __future__ import annotations

import pytest

from dataops.tables.figures import figure


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (13432.4, "13,432"),
        (-1234567.0, "-1,234,567"),
        (5432.1, "5432"),
        (0.012345, "0.01235"),
        (0.0, "0"),
        (3.2e15, "3.2e+15"),
        (9999.9, "10,000"),
        (float("inf"), "inf"),
    ],
)
def test_figure(value, shown):
    """Thousands are told apart and no exponent stands where a person counts in thousands."""
    assert figure(value) == shown
