"""The report: what it says, and that nothing in it is taken for markup, a link or a call."""

from __future__ import annotations

import pytest
from ci import report
from ci.told import Failure, Told

HOSTILE = (
    "a|b\n| --- |\n<img src=x onerror=1> [x](http://evil) @team `c` *d* ![i](//e) https://evil.example\x1b[31m\u202e"
)


def told(**more: object) -> Told:
    """A run that ended well."""
    made = Told(finished=True)
    for name, value in more.items():
        setattr(made, name, value)
    return made


def test_nothing_is_markup():
    """A column, a tag, a reason, a metric or a log line of any kind stays in its cell."""
    column = {"reasons": [HOSTILE], "severity": HOSTILE, "effect": 0.5, "p_value": 0.0}
    failure = Failure(HOSTILE, HOSTILE, HOSTILE, 1, [("rule", "rows"), (HOSTILE, "3")], [HOSTILE, "```"])
    made = told(
        steps=[(HOSTILE, HOSTILE, HOSTILE)],
        drift={"drifted": True, "compared": HOSTILE, "columns": {HOSTILE: column}, "schema": {"added": [HOSTILE]}},
        metrics=[(HOSTILE, 1.0, 2.0)],
        before=HOSTILE,
        tags=[HOSTILE],
        failure=failure,
    )
    text = report.markdown(made, home="https://host/a/b")
    prose = [line for line in text.splitlines() if not line.startswith("    ")]  # indented: a block of code
    for line in prose:
        assert "<img" not in line
        assert "](http://evil)" not in line
        assert "https://evil" not in line
        assert "http://evil" not in line
        assert " @team" not in line
        assert "`" not in line
    assert "\x1b" not in text
    assert "\u202e" not in text
    rows = [line for line in prose if line.startswith("|")]
    assert {line.count("|") for line in rows} == {3, 4, 5, 6}
    assert text.count("\n## ") + text.count("\n### ") == 3  # the title, drift and model


@pytest.mark.parametrize("name", ["train.num_leaves", "dataset@v1.0.0", "store_id", "2024-12"])
def test_names_can_be_copied(name: str):
    """What is harmless is written as it is."""
    assert report.escaped(name) == name


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (told(), "nothing to do"),
        (told(steps=[("data", "done", "")]), "data done"),
        (told(tags=["dataset@v1.0.0"]), "dataset@v1.0.0 released"),
        (Told(), "broke off"),
        (Told(failure=Failure("", "x", status=1)), "refused"),
        (Told(failure=Failure("", "x", status=2)), "failed"),
    ],
)
def test_the_headline(made: Told, said: str):
    """One line says how it ended; a run that was killed doesn't look as if there had been nothing to do."""
    assert report.headline(made, released=True) == said


def test_metrics():
    """Before, now and the difference; a metric that is new has none."""
    text = report.markdown(
        told(metrics=[("wape", 0.25, 0.2), ("mase", None, 1.0), ("rows", 3, 3)], before="model@v1.0.0")
    )
    assert "| metric | model@v1.0.0 | now | difference |" in text
    assert "| wape | 0.25 | 0.2 | -0.05 |" in text
    assert "| mase | - | 1 |  |" in text
    assert "| rows | 3 | 3 |  |" in text


def test_a_long_report_is_cut_between_lines():
    """GitHub refuses a longer comment altogether."""
    text = report.markdown(told(metrics=[(f"metric{n}", 1.0, 2.0) for n in range(9_000)]))
    *_, last, blank, more = text.splitlines()
    assert report.LONGEST - 200 < len(text) < report.LONGEST + 200
    assert last.endswith(" |")
    assert (blank, more) == ("", "… and more: `dataops compare` has all of it")


def test_tags_lead_to_the_repository():
    """With every mark of their name taken as a part of it."""
    text = report.link("dir=dataset@v1.0.0", "https://github.com/a/b")
    assert text == "[<code>dir=dataset@v1.0.0</code>](https://github.com/a/b/tree/dir%3Ddataset%40v1.0.0)"
