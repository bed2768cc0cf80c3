"""dataops.tables.exclusions: rows leave by key, with the reason."""

from __future__ import annotations

import pandas as pd
import pytest
from workbench import Bench, sales

from dataops.errors import DataOpsError
from dataops.tables.exclusions import excluded, read_exclusions


def listed(bench: Bench, *lines: str, header: str = "date,store_id,product_id,reason"):
    """The list as it is read from the file."""
    path = bench.root / "data/exclusions.csv"
    path.write_text("\n".join([header, *lines]) + "\n")
    return read_exclusions(path)


def found(bench: Bench, frame, *lines: str, **options):
    """How many rows go for which reason."""
    return excluded(frame, listed(bench, *lines, **options), bench.contract).value_counts().to_dict()


def test_an_empty_cell_is_any_value(bench: Bench):
    """A full key is one row; each cell left out widens it."""
    frame = sales(days=10)
    assert found(bench, frame) == {}
    assert found(bench, frame, "2024-01-02,1,p0,bad scan") == {"bad scan": 1}
    assert found(bench, frame, "2024-01-02,1,,bad day") == {"bad day": 2}
    assert found(bench, frame, ",1,,opt-out", "2024-01-03,,,holiday", ",2,p1,recall") == {
        "opt-out": 20, "recall": 10, "holiday": 1}  # fmt: skip
    assert found(bench, frame, ",77,,nobody has it") == {}


def test_every_row_has_one_reason(bench: Bench):
    """A row named twice is counted once; a reason may be left out."""
    frame = sales(days=10)
    assert sum(found(bench, frame, ",1,,a", ",1,,b", ",1,p0,c").values()) == 20
    assert found(bench, frame, ",1,,") == {"": 20}


def test_index_of_the_table_is_kept(bench: Bench):
    """Reasons stand at the rows they are for, whatever the order."""
    frame = sales(days=10).sample(frac=1, random_state=3)
    reasons = excluded(frame, listed(bench, "2024-01-05,2,p1,x"), bench.contract)
    (row,) = reasons.index
    assert frame.loc[row, ["store_id", "product_id"]].tolist() == [2, "p1"]
    assert frame.loc[row, "date"] == pd.Timestamp("2024-01-05")


def test_keys_are_compared_as_their_type(bench: Bench):
    """The text of the list is typed as the contract says: 01 is the store 1, but no product p0 is P0."""
    frame = sales(days=10)
    assert found(bench, frame, ",01,,x") == {"x": 20}
    assert found(bench, frame, ",,P0,x") == {}
    assert found(bench, frame, ", 1 , p0 ,x") == {"x": 10}


@pytest.mark.parametrize(
    ("lines", "header", "words"),
    [
        ([",one,,x"], None, "line 2: 'one' is no integer (store_id)"),
        ([",1,,x", "01.02.2024,,,x"], None, "line 3: '01.02.2024' is no date (date)"),
        ([",,,everything"], None, "line 2: names no key"),
        (["1,x"], "shop,reason", "shop is neither a key nor the time column"),
        (["x"], "reason", "names no key"),
        (["1"], "store_id", "has no column reason"),
        (["1,x", "1,x,2"], "store_id,reason", "is not readable as CSV"),
    ],
)
def test_one_line(bench: Bench, lines, header, words):
    """What a list can get wrong is one line with the place."""
    with pytest.raises(DataOpsError) as error:
        found(bench, sales(days=2), *lines, **({"header": header} if header else {}))
    assert words in error.value.message
    assert "exclusions.csv" in error.value.message


def test_missing_and_binary(bench: Bench):
    """No list, and a list that is no text."""
    path = bench.root / "data/exclusions.csv"
    path.write_bytes(b"store_id,reason\n\xff\xfe,\x00\n")
    with pytest.raises(DataOpsError, match="is not readable as CSV"):
        read_exclusions(path)
    path.write_bytes(b"")
    with pytest.raises(DataOpsError, match="is not readable as CSV"):
        read_exclusions(path)
    path.unlink()
    with pytest.raises(DataOpsError, match="is missing"):
        read_exclusions(path)


@pytest.mark.timeout(60)  # where it depends on the square of them it takes hours
def test_thousands_of_opt_outs(bench: Bench):
    """Ten thousand lines on a hundred thousand rows, each applied."""
    frame = sales(days=100, stores=1000, products=1)
    lines = [f",{n},p0,opt-out" for n in range(1, 501)] + [f"2024-01-{n % 28 + 1:02d},{n},,x" for n in range(9500)]
    assert found(bench, frame, *lines)["opt-out"] >= 500 * 90
