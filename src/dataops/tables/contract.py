"""The contract: which columns a dataset has, what they mean and what they may hold."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import FiniteFloat, model_validator

from dataops.checked import Checked

Type = Literal["date", "datetime", "integer", "number", "string", "boolean"]
Frequency = Literal["h", "D", "W", "M"]
Partition = Literal["month", "day", "none"]
RESERVED = frozenset({"rule"})  # quarantine's own column; names that begin with an underscore are the stages'
# what may stand in `allowed`
VALUES: dict[str, tuple[type, ...]] = {"integer": (int,), "number": (int, float), "string": (str,), "boolean": (bool,)}


class Column(Checked):
    """What one column may hold."""

    type: Type
    nullable: bool = False
    min: int | FiniteFloat | None = None
    max: int | FiniteFloat | None = None
    allowed: list[str | int | float | bool] | None = None

    @model_validator(mode="after")
    def _limits_fit_the_type(self) -> Self:
        if (self.min is not None or self.max is not None) and self.type not in ("integer", "number"):
            raise ValueError(f"min and max are for numbers, not for type {self.type}")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min} is above max {self.max}")
        if self.allowed == []:
            raise ValueError("allowed is empty: no value could pass; leave it out, or list the values")
        for value in self.allowed or ():
            if type(value) not in VALUES.get(self.type, ()):
                raise ValueError(f"the allowed value {value!r} is no {self.type}")
        return self


class Contract(Checked):
    """The section `contract` of params.yaml, read by every stage."""

    time: str
    target: str
    keys: list[str] = []
    frequency: Frequency = "D"
    partition: Partition = "month"
    columns: dict[str, Column]

    @model_validator(mode="after")
    def _roles_are_columns(self) -> Self:
        for role in (self.time, self.target, *self.keys):
            if role not in self.columns:
                raise ValueError(f"{role} is named as time, target or key, but contract.columns has no such column")
        for name in self.columns:
            if name in RESERVED or name.startswith("_"):
                raise ValueError(f"{name} is a reserved name; call the column otherwise and map it in collect.columns")
        if self.columns[self.time].type not in ("date", "datetime"):
            raise ValueError(f"the time column {self.time} must have type date or datetime")
        if self.columns[self.target].type not in ("integer", "number"):
            raise ValueError(f"the target {self.target} must have type integer or number")
        nullable = [name for name in (self.time, *self.keys) if self.columns[name].nullable]
        if nullable:
            raise ValueError(f"{nullable[0]} identifies a row, so it can't be nullable")
        if len({self.time, self.target, *self.keys}) != 2 + len(self.keys):
            raise ValueError("time, target and keys must be different columns")
        return self

    @property
    def index(self) -> list[str]:
        """What identifies a row: the keys, then the time."""
        return [*self.keys, self.time]

    @property
    def others(self) -> list[str]:
        """Columns that are neither key, time nor target (price, promotion, …)."""
        return [name for name in self.columns if name not in {*self.index, self.target}]
