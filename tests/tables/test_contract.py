"""dataops.tables.contract: what can't be meant is refused before anything runs."""

from __future__ import annotations

import copy

import pytest
from workbench import PARAMS

from dataops.checked import check
from dataops.errors import DataOpsError
from dataops.tables.contract import Contract


def contract(**changes):
    """The contract of the tests with other keys; `columns` are added to it."""
    values = copy.deepcopy(PARAMS["contract"])
    values["columns"] |= changes.pop("columns", {})
    return check(Contract, values | changes, "params.yaml: contract")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"time": "day"}, "day is named as time, target or key, but contract.columns has no such column"),
        ({"keys": ["store_id", "shop"]}, "shop is named"),
        ({"time": "price", "target": "sales"}, "the time column price must have type date or datetime"),
        ({"target": "product_id", "keys": ["store_id"]}, "the target product_id must have type integer or number"),
        ({"columns": {"store_id": {"type": "integer", "nullable": True}}}, "store_id identifies a row"),
        ({"keys": ["store_id", "store_id"]}, "must be different columns"),
        ({"keys": ["sales"]}, "must be different columns"),
        ({"columns": {"sales": {"type": "int"}}}, "columns.sales.type: input should be 'date'"),
        ({"columns": {"sales": {"type": "integer", "min": "0"}}}, "columns.sales.min: input should be a valid integer"),
        ({"columns": {"sales": {"type": "integer", "mim": 0}}}, "unknown key columns.sales.mim"),
        ({"columns": {"sales": {"min": 0}}}, "columns.sales.type is missing"),
        ({"columns": {"product_id": {"type": "string", "min": 0}}}, "columns.product_id: min and max are for numbers"),
        ({"columns": {"date": {"type": "date", "max": 2030}}}, "columns.date: min and max are for numbers"),
        ({"columns": {"price": {"type": "number", "min": 5, "max": 1}}}, "columns.price: min 5 is above max 1"),
        ({"columns": {"product_id": {"type": "string", "allowed": [1]}}}, "the allowed value 1 is no string"),
        ({"columns": {"store_id": {"type": "integer", "allowed": [True]}}}, "the allowed value True is no integer"),
        ({"columns": {"date": {"type": "date", "allowed": ["2024-01-01"]}}}, "is no date"),
        ({"columns": {"product_id": {"type": "string", "allowed": []}}}, "columns.product_id: allowed is empty"),
        ({"columns": {"price": {"type": "number", "min": float("nan")}}}, "columns.price.min"),
        ({"columns": {"price": {"type": "number", "max": float("inf")}}}, "columns.price.max"),
        ({"frequency": "Q"}, "frequency: input should be 'h', 'D', 'W' or 'M' (found 'Q')"),
        ({"partition": "year"}, "partition: input should be"),
    ],
)
def test_refused(changes, words):
    """One line says which key can't be meant."""
    with pytest.raises(DataOpsError) as error:
        contract(**changes)
    assert words in error.value.message
    assert error.value.message.startswith("params.yaml: contract: ")
    assert "\n" not in error.value.message


def test_roles():
    """The index is keys and time; the others are what is left."""
    assert contract().index == ["store_id", "product_id", "date"]
    assert contract().others == ["price", "promotion"]
    assert contract(keys=[]).index == ["date"]
    assert contract(columns={"price": {"type": "number", "allowed": [1, 2.5]}}).columns["price"].allowed == [1, 2.5]


@pytest.mark.parametrize("name", ["rule", "_batch"])
def test_reserved_names(name):
    """A column that the stages add themselves can't be the user's."""
    columns = {"day": {"type": "date"}, "sold": {"type": "integer"}, name: {"type": "number"}}
    with pytest.raises(DataOpsError, match=f"{name} is a reserved name"):
        check(Contract, {"time": "day", "target": "sold", "columns": columns}, "params.yaml: contract")
