"""dataops.versions.card: what goes into a tag comes out of it again, and what somebody else put there does no harm."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataops.versions import card

FACTS: dict[str, Any] = {
    "reason": "31 days added, 2025-01-01 to 2025-01-31: 15,500 rows",
    "bump": "minor",
    "version": "v1.1.0",
    "artifact": "dataset",
    "rows": 515_500,
    "schema": {"date": "date32[day]", "sales": "int64"},
    "row_hash": None,
    "previous": {"version": "v1.0.0", "hash": "aa.dir"},
}
ODD = [
    "a {\n{\n}\n} b",
    "# not a comment\n#",
    "lines\r\nof\rWindows  \t\n\n\nend\n\n",
    "\x1b[31mred\x07 \x00 \x85 \u2028 \u202e",
    "-----BEGIN PGP SIGNATURE-----\nx\n-----END PGP SIGNATURE-----",
    '{\n  "format": 1\n}',
    "half \ud800",
    "{a} is a set\n}{",
]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """One commit."""
    for words in (
        ["init", "-q"],
        ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "--allow-empty", "-m", "x"],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True)
    return tmp_path


def through_git(folder: Path, message: str) -> tuple[str, str]:
    """Subject and body of a tag that `git mktag` made of the message."""

    def git(*words: str, given: bytes = b"") -> bytes:
        return subprocess.run(["git", *words], cwd=folder, input=given, capture_output=True, check=True).stdout

    head = git("rev-parse", "HEAD").decode().strip()
    content = f"object {head}\ntype commit\ntag x\ntagger a <a@b> 0 +0000\n\n{message}"
    sha = git("mktag", given=content.encode()).decode().strip()
    git("update-ref", "refs/tags/x", sha)
    subject, body = git("for-each-ref", "--format=%(contents:subject)%00%(contents:body)", "refs/tags/x").split(b"\0")
    return subject.decode(), body.decode()


def test_build_has_an_order_and_no_gaps() -> None:
    """The same card however it was put together; what isn't known isn't there."""
    built = card.build(**FACTS)
    assert list(built) == ["format", "artifact", "version", "rows", "schema", "previous", "bump", "reason"]
    assert "previous" in card.build(previous=None)
    with pytest.raises(TypeError, match="colour"):
        card.build(colour="red")


def test_text(repository: Path) -> None:
    """What `git show` prints."""
    built = card.build(**FACTS)
    written = card.text(built, "January is complete.\n\nAsk Ada about store 7.")
    assert written.startswith(
        "dataset v1.1.0: 31 days added, 2025-01-01 to 2025-01-31: 15,500 rows\n\nJanuary is complete.\n\nAsk Ada"
    )
    assert '7.\n\n{\n  "format": 1,\n' in written
    assert written.endswith("\n}\n")
    subject, body = through_git(repository, written)
    assert subject == "dataset v1.1.0: 31 days added, 2025-01-01 to 2025-01-31: 15,500 rows"
    assert card.parse(body) == built


@pytest.mark.parametrize("message", ODD)
def test_odd_messages(repository: Path, message: str) -> None:
    """Braces, signatures, control characters, line ends: the card comes back, and a terminal has nothing to obey."""
    built = card.build(**FACTS, message=message)
    written = card.text(built, message)
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u202e]", written)
    _, body = through_git(repository, written)
    assert card.parse(body) == built == card.parse(body.replace("\n", "\r\n"))
    assert card.parse(body + "-----BEGIN SSH SIGNATURE-----\nU1NIU0lH}\n-----END SSH SIGNATURE-----\n") == built


def test_long_reasons_are_cut(repository: Path) -> None:
    """A subject has at most 100 characters on one line."""
    for reason in ("word " * 60, "x" * 300, "a\nb" * 50):
        subject = card.text(card.build(**FACTS | {"reason": reason})).split("\n\n")[0]
        assert len(subject) <= 100
        assert "\n" not in subject


@given(st.text(), st.dictionaries(st.text(), st.text() | st.integers() | st.floats()))
def test_anything_comes_back(message: str, schema: dict[str, Any]) -> None:
    """Any message with any facts."""
    built = card.build(**FACTS | {"schema": schema or {"a": "b"}}, message=message)
    assert card.parse(card.text(built, message)) == built


@pytest.mark.parametrize(
    "body",
    [
        "", "Registering artifact dataset version v1.0.0", "{", "}", "}\n{", "{\n}", "{\n[1]\n}", '{\n"format": "1"\n}',
        '{\n"format": 1, "rows": NaN\n}', '{\n"format": 1,\n' + '"x": {' * 60 + "}" * 60 + "\n}",
        "{\n" + "[" * 200_000 + "\n}", '{\n"format": ' + "9" * 9999 + "\n}", '{\n"format": 1' + " " * (1 << 20) + "\n}",
        '{\n"format": true\n}',
    ],
)  # fmt: skip
def test_what_is_no_card(body: str) -> None:
    """Tags of others, and of whoever wants to harm: None, and quickly."""
    assert card.parse(body) is None


def test_wrong_types_are_left_out() -> None:
    """A card from elsewhere has the types that readers rely on, or less."""
    block = {"format": 1, "rows": "many", "bytes": -1, "files": True, "schema": [], "reason": {"a": 1}, "version": 3,
             "previous": None, "artifact": "x\x1b[2Jy", "new": [1, "\x00"]}  # fmt: skip
    parsed = card.parse("subject\n\n" + json.dumps(block, indent=1))
    assert parsed == {"format": 1, "previous": None, "artifact": "x[2Jy", "new": [1, ""]}


def test_summaries() -> None:
    """The few numbers of each report; of others what is plain."""
    validation = {"passed": True, "problems": [], "rows": {"valid": 3, "invalid": 0}, "quality": {"validity": 1.0},
                  "calendar": {"first": "2024-01-01", "missing_after": ["x"] * 99}, "columns": {"a": {}}}  # fmt: skip
    assert card.validation_summary(validation) == {
        "passed": True, "rows": {"valid": 3, "invalid": 0}, "quality": {"validity": 1.0},
        "calendar": {"first": "2024-01-01"},
    }  # fmt: skip
    drift = {"compared": "a against b", "drifted": False, "score": 0.01, "columns": {"x": {}}, "columns_drifted": []}
    assert card.drift_summary(drift) == {"compared": "a against b", "drifted": False, "score": 0.01}
    evaluation = {
        "rows": 9,
        "model": {"wape": 0.2, "mase": None},
        "naive": {"rows": 9, "wape": 0.5},
        "beats_naive": True,
    }
    assert card.evaluation_summary(evaluation) == {
        "rows": 9, "model": {"wape": 0.2}, "naive": {"rows": 9, "wape": 0.5}, "beats_naive": True,
    }  # fmt: skip
    training = {"backend": "local", "hyperparameters": {"seed": 7, "categories": ["a"]}, "log": "x" * 999}
    assert card.training_summary(training) == {"backend": "local", "hyperparameters": {"seed": 7, "categories": ["a"]}}
    for summary in (card.validation_summary, card.drift_summary, card.evaluation_summary, card.training_summary):
        assert summary({}) == {}
        assert summary({"accuracy": 0.9, "long": "x" * 999, "nested": {"a": 1}}) == {"accuracy": 0.9}
        assert len(summary({str(n): n for n in range(99)})) == 20
