"""What counts as drift: the section `drift` of params.yaml, apart from what only the stage knows."""

from __future__ import annotations

from pydantic import Field

from dataops.checked import Checked


class Thresholds(Checked):
    """A finding is drift where its size reaches the threshold, and chance is ruled out at `alpha`."""

    effect: float = Field(default=0.1, gt=0, le=1)  # share of a distribution that moved: Kolmogorov-Smirnov, TV
    alpha: float = Field(default=0.01, gt=0, lt=1)  # false discovery rate over all tests of a comparison
    missing: float = Field(default=0.02, gt=0, le=1)  # change of the share of missing, or infinite, values
    new_categories: float = Field(default=0.01, gt=0, le=1)  # share of rows in categories the reference has not
    outside: float = Field(default=0.02, gt=0, le=1)  # share of rows outside the reference's range
    volume: float = Field(default=0.5, gt=0, le=1)  # rows a day less by this share: a half, or twice as many
