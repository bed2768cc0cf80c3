"""dataops.report.drift_page: one file that needs nothing, and that says what it shows where it shows it."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from typing import Any

import numpy as np
import pandas as pd
import pytest

from dataops.report.drift_page import page
from dataops.report.drift_verdict import verdict
from dataops.tables.drift import Thresholds, compare_frames

RNG = np.random.default_rng(4)
HOSTILE = "</style><script>alert(1)</script>\x1b[31m&\"'"


def table(rows: int, moved: float = 0.0) -> pd.DataFrame:
    """A column of each kind, and one that somebody named with bad intent."""
    return pd.DataFrame(
        {
            "far": RNG.normal(moved * 3, 1, rows),
            "near": RNG.normal(moved / 2, 1, rows),
            "still": RNG.normal(0, 1, rows),
            "few": RNG.integers(0, 3, rows),
            "constant": 5.0,
            "shop": RNG.choice(["a", "\x1b[2J\u202eb", HOSTILE], rows, p=[0.5 - moved / 4, 0.3 + moved / 4, 0.2]),
            "when": pd.date_range("2024-01-01", periods=rows, freq="h"),
            HOSTILE: RNG.normal(moved, 1, rows),
        }
    )


@pytest.fixture(scope="module")
def text() -> str:
    """The page of two tables."""
    report: dict[str, Any] = compare_frames(table(3000), table(2000, 1.0), Thresholds())
    return page({"compared": f"{HOSTILE} against v1.0.0", **report})


def test_it_needs_nothing_from_anywhere(text: str) -> None:
    """No script, no address, no font file: it opens from a disk, offline, in ten years."""
    assert not re.search(r"<script|<link|<img|src=|href=|url\(|@import|@font-face|//", text)


def test_the_worst_comes_first(text: str) -> None:
    """By severity, then by how much moved."""
    order = [text.index(f"<h2>{name}</h2>") for name in ("far", "near", "still")]
    assert order == sorted(order)


def test_each_picture_says_what_is_what(text: str) -> None:
    """Both sides are labelled within every picture, none of which is drawn outside of itself."""
    pictures = [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]
    assert len(pictures) == 8
    for picture in pictures:
        said = " ".join("".join(node.itertext()) for node in picture.iter("text"))
        assert "before" in said
        assert "now" in said
        height = float(picture.attrib["viewBox"].split()[3])
        for node in picture.iter("text"):
            assert 0 <= float(node.attrib["x"]) <= 400
            assert 8 <= float(node.attrib["y"]) <= height


def test_names_are_text_and_nothing_else(text: str) -> None:
    """Whatever a column, a category or a version is called."""
    assert "alert(1)" in text
    assert "<script" not in text
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count("</style>") == 1


def test_an_advice_has_its_numbers() -> None:
    """Every recommendation names where the report has what it rests on."""
    report = compare_frames(table(3000), table(2000, 1.0).drop(columns="few"), Thresholds())
    assert [one["reason"] for one in report["recommendations"]][:2] == ["schema", "distribution"]
    for one in report["recommendations"]:
        for path in one["numbers"]:
            found: Any = report
            rest = path
            if path.startswith("columns."):
                found, rest = report["columns"][one["column"]], path.removeprefix(f"columns.{one['column']}.")
            for key in rest.split("."):
                found = found[key]
            assert found is not None, path


def test_no_drift_is_said_of_what_could_be_judged() -> None:
    """Beside a column of identifiers the answer is of the others, in the head of the page and beside the column."""
    frame = pd.DataFrame({"order": np.arange(3000), "price": RNG.normal(size=3000)})
    report = compare_frames(frame, frame.assign(order=frame["order"] + 3000), Thresholds())
    assert verdict(report) == "no drift in 1 of 2 columns"
    said = page(report)
    assert "<h1>No drift in 1 of 2 columns" in said
    assert "<span class=muted>left out: identifier: whole numbers that never repeat</span>" in said
    assert said.count("left out") == 1
    assert verdict(compare_frames(frame[["price"]], frame[["price"]], Thresholds())) == "no drift"
