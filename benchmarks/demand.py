"""Sales like those the template is for: 10 stores x 50 items x 1,826 days are 913,000 rows. Needs numpy and pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

STORES, ITEMS, DAYS = 10, 50, 1826  # five years
FIRST = "2013-01-01"
# as the section `contract` of params.yaml has it
CONTRACT: dict[str, Any] = {
    "time": "date",
    "target": "sales",
    "keys": ["store", "item"],
    "frequency": "D",
    "partition": "month",
    "columns": {
        "date": {"type": "date"},
        "store": {"type": "integer", "min": 1, "max": STORES},
        "item": {"type": "integer", "min": 1},
        "sales": {"type": "integer", "min": 0},
    },
}


def demand(stores: int = STORES, items: int = ITEMS, days: int = DAYS, seed: int = 1) -> pd.DataFrame:
    """Whole numbers with a level for each item, a week's shape and a year's, sorted by store, item and date."""
    rng = np.random.default_rng(seed)
    dates = pd.date_range(FIRST, periods=days, unit="us")
    names = ["store", "item", "date"]
    frame = pd.MultiIndex.from_product([range(1, stores + 1), range(1, items + 1), dates], names=names)
    table = frame.to_frame(index=False)
    level = 15 + 60 * rng.random((stores, items)).repeat(days)
    shape = np.tile(1 + 0.15 * (dates.day_of_week >= 5) + 0.3 * np.sin(dates.day_of_year / 58), stores * items)
    table["sales"] = rng.poisson(level * shape)
    return table[["date", "store", "item", "sales"]]
