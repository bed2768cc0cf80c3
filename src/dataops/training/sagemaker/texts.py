"""Texts as AWS takes them, for tags, properties and descriptions."""

from __future__ import annotations

import unicodedata

LONGEST = 256  # characters of a tag's value, and of a property's
DESCRIPTION = 1024


def fitting(text: str) -> str:
    """The text as AWS takes it for a tag or property: other characters than those it allows are `_`; at most 256."""
    return "".join(letter if _allowed(letter) else "_" for letter in text)[:LONGEST]


def described(text: str) -> str:
    """The text as AWS takes it for a description: no control characters, at most 1,024."""
    return "".join(letter if unicodedata.category(letter)[0] in "LMZSNP" else " " for letter in text)[:DESCRIPTION]


def _allowed(letter: str) -> bool:
    return letter in "_.:/=+-@" or unicodedata.category(letter)[0] in "LZN"
