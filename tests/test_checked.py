"""dataops.checked: an unknown key or a wrong type is one clear line."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from dataops.checked import Checked, check
from dataops.errors import DataOpsError


class Inner(Checked):
    """A section within a section."""

    limit: int | float | None = None
    names: list[str] = []


class Outer(Checked):
    """A section."""

    horizon: int
    inner: Inner = Inner()
    entries: dict[str, Inner] = {}


@pytest.mark.parametrize(
    ("values", "message", "hint"),
    [
        ({"horizon": 1, "inner": {"limt": 1}}, "p: s: unknown key inner.limt", "did you mean limit?"),
        ({"horizn": 1}, "p: s: unknown key horizn", "did you mean horizon?"),
        ({"horizon": 1, "zzz": 1}, "p: s: unknown key zzz", "known keys: horizon, inner, entries"),
        ({"horizon": 1, "entries": {"a": {"limt": 1}}}, "p: s: unknown key entries.a.limt", ""),
        ({}, "p: s: horizon is missing", "params.yaml in git history has an example"),
        ({"horizon": "7"}, "p: s: horizon: input should be a valid integer (found '7')", ""),
        ({"horizon": True}, "p: s: horizon: input should be a valid integer (found True)", ""),
        ({"horizon": 1, "inner": {"limit": "x"}}, "p: s: inner.limit: input should be a valid integer (found 'x')", ""),
        ({"horizon": 1, "inner": {"names": ["a", 3]}},
         "p: s: inner.names.1: input should be a valid string (found 3)", ""),
        ([1], "p: s: expected a section of keys, found list", ""),
    ],
)  # fmt: skip
def test_one_line_with_the_key(values, message, hint):
    """The message names the place and the key as the file has it, counts the other problems, and suggests."""
    with pytest.raises(DataOpsError) as error:
        check(Outer, values, "p: s")
    assert error.value.message == message
    if hint:
        assert error.value.hint == hint
    assert "\n" not in error.value.message
    assert error.value.status == 2


def test_frozen():
    """Settings don't change under way."""
    with pytest.raises(ValidationError):
        check(Outer, {"horizon": 1}, "p").horizon = 2
