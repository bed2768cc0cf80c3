"""What a column is compared as: numbers, categories or times."""

from __future__ import annotations

from typing import Literal

import pandas as pd
from pandas.api import types

from dataops.tables.contract import Contract

Kind = Literal["numeric", "categorical", "time"]


def kind_of(name: str, values: pd.Series, contract: Contract | None = None) -> Kind:
    """By the contract: keys are categories even where they are numbers. A column it doesn't know: by its type.

    Whatever is neither number nor time is compared as text: mixed columns, lists, decimals. So 1 and "1" are the same.
    """
    column = contract.columns.get(name) if contract is not None else None
    if contract is not None and column is not None:
        if name == contract.time or column.type in ("date", "datetime"):
            return "time"
        return "categorical" if name in contract.keys or column.type in ("string", "boolean") else "numeric"
    if types.is_datetime64_any_dtype(values.dtype):
        return "time"
    plain = types.is_any_real_numeric_dtype(values.dtype)
    return "numeric" if plain else "categorical"
