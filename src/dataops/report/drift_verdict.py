"""The answer of a drift report in a few words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def verdict(report: Mapping[str, Any], moved: str = "") -> str:
    """What drifted, as the caller words it; or that nothing did, and of how many columns that is known."""
    if report["drifted"]:
        return f"drift in {moved or ', '.join(report['columns_drifted']) or 'the schema'}"
    checked, left = report["columns_checked"], len(report["left_out"])
    return f"no drift in {checked} of {checked + left} columns" if left else "no drift"
