"""A number as a person reads it."""

from __future__ import annotations


def figure(value: float) -> str:
    """Four digits, `0.01234`, `5432`; from ten thousand on all of them, `13,432`, and no `1.343e+04`."""
    return f"{value:,.0f}" if 9_999.5 <= abs(value) < 1e12 else f"{value:.4g}"
