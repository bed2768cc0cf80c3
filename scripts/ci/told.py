"""What a run did and found, gathered for the report."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Failure:
    """Why a run ended early."""

    stage: str
    message: str
    hint: str = ""
    status: int = 1
    rows: list[tuple[str, ...]] = field(default_factory=list)
    """A table of what was found, the first row its head."""
    words: list[str] = field(default_factory=list)
    """The last lines of the log."""


@dataclass
class Told:
    """Everything that the report says."""

    steps: list[tuple[str, str, str]] = field(default_factory=list)
    """What was done, how it ended, and details."""
    comparison: Mapping[str, Any] | None = None
    """`dataops compare` of the dataset, before and after."""
    drift: Mapping[str, Any] | None = None
    """reports/drift.json."""
    metrics: list[tuple[str, float | None, float | None]] = field(default_factory=list)
    """Name, before, after."""
    before: str = ""
    """Which model the metrics before are of."""
    tags: list[str] = field(default_factory=list)
    failure: Failure | None = None
    finished: bool = False

    def step(self, name: str, outcome: str, detail: str = "") -> None:
        """One more step."""
        self.steps.append((name, outcome, detail))
        print(f"== {name}: {outcome}" + (f" ({detail})" if detail else ""), flush=True)
