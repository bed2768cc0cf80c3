"""The card in a tag's message, as somebody else may have written it.

Whoever can push a tag wrote it: what has another type than readers rely on is left out, and so are the characters that
a terminal would obey.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dataops.repo.gittext import message


class _Only(dict[int, int | None]):
    """Of `str.translate`: keeps some characters, drops the rest."""

    def __missing__(self, _: int) -> None:
        return None


BRACKETS = _Only({ord(letter): ord(letter) for letter in "{}[]"})
KEYS = (
    "format", "artifact", "version", "aliases", "type", "path", "commit", "hash", "sha256", "row_hash", "files",
    "rows", "bytes", "schema", "schema_version", "sources", "previous", "bump", "reason", "validation", "drift",
    "evaluation", "data", "training", "author", "created_at", "message", "overrides", "imported",
)  # fmt: skip
COUNTS = ("format", "files", "rows", "bytes")
FITTING: Mapping[str, frozenset[type]] = {  # of keys that nobody knows, anything
    **dict.fromkeys(KEYS, frozenset({str})),
    **dict.fromkeys(COUNTS, frozenset({int})),
    **dict.fromkeys(("schema", "validation", "drift", "evaluation", "training", "imported"), frozenset({dict})),
    **dict.fromkeys(("aliases", "sources", "data", "overrides"), frozenset({list})),
    "previous": frozenset({dict, type(None)}),
    "schema_version": frozenset({int, str}),
}
EVERY: frozenset[type] = frozenset({str, int, float, bool, dict, list, type(None)})
PLAIN = bytes({*range(32, 127), 10} - {ord("\\")})
LARGEST = 1 << 20  # characters of a tag's message
DEEPEST = 50
LONGEST = 300  # digits of an integer
# control characters, line and paragraph separators, and those that show text in another order than it has
OBEYED = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
LINES = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")  # keeps \n and \t


def read(raw: bytes) -> dict[str, Any] | None:
    """The card in a tag's message as git has it; ten thousand of them in a fraction of a second."""
    start = raw.find(b"\n{\n")
    end = raw.find(b"\n}\n", start + 1)
    usual = start >= 0 and end == len(raw) - 3 and raw.find(b"\n{\n", start + 1) < 0
    if usual and len(raw) <= LARGEST and not raw.translate(None, PLAIN):
        return _card(raw[start + 1 : -1].decode(), dirty=False)
    return parse(message(raw)[1])


def parse(body: str) -> dict[str, Any] | None:
    """The card: the last block of lines from `{` to `}`. None where there is none, as in tags of plain `gto`."""
    block = _block(body) if len(body) <= LARGEST else ""
    return _card(block, dirty=True) if block else None


def _card(block: str, *, dirty: bool) -> dict[str, Any] | None:
    try:
        card = DECODER.decode(block)
    except (ValueError, RecursionError):
        return None
    if not isinstance(card, dict) or type(card.get("format")) is not int:
        return None
    if _nested(block) and _too_deep(card):
        return None
    found: dict[str, Any] = {name: value for name, value in card.items() if type(value) in FITTING.get(name, EVERY)}
    for name in COUNTS:
        if found.get(name, 0) < 0:
            del found[name]
    return cleaned(found) if dirty else found


def report(content: bytes) -> dict[str, Any] | None:
    """A JSON object of somebody's commit, made as harmless as a card; None of anything else."""
    try:
        found = json.loads(content, parse_int=_integer) if len(content) <= LARGEST else None
    except (ValueError, RecursionError):
        return None
    return cleaned(found) if isinstance(found, dict) and not _too_deep(found) else None


def _block(body: str) -> str:
    """The last lines from `{` to `}`; "" where there are none."""
    lines = [line.rstrip() for line in body.split("\n")]
    try:
        last = len(lines) - 1 - lines[::-1].index("}")
        return "\n".join(lines[last - lines[last::-1].index("{") : last + 1])
    except ValueError:
        return ""


def _nested(block: str) -> bool:
    """May it be deeper than DEEPEST? Brackets within texts count as well."""
    depth = deepest = 0
    for bracket in block.translate(BRACKETS) if block.count("{") + block.count("[") > DEEPEST else "":
        depth += 1 if bracket in "{[" else -1
        deepest = max(deepest, depth)
    return deepest > DEEPEST


def cleaned(value: Any, name: str = "") -> Any:
    """Without characters that a terminal would obey; several lines only in the message."""
    if isinstance(value, dict):
        return {sane(str(key)): cleaned(item, str(key)) for key, item in value.items()}
    if isinstance(value, list):
        return [cleaned(item) for item in value]
    return sane(value, LINES if name == "message" else OBEYED) if isinstance(value, str) else value


def sane(text: str, without: re.Pattern[str] = OBEYED) -> str:
    """The text without such characters; half a surrogate, which UTF-8 can't hold, is a question mark."""
    return without.sub("", text.encode("utf-8", "replace").decode())


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} in JSON")


def _integer(digits: str) -> int:
    if len(digits) > LONGEST:
        raise ValueError("a number that no float holds")
    return int(digits)


DECODER = json.JSONDecoder(parse_constant=_refuse, parse_int=_integer)


def _too_deep(value: Any, depth: int = 0) -> bool:
    """Whether something that walks through it could run out of stack."""
    if depth > DEEPEST:
        return True
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return any(_too_deep(one, depth + 1) for one in inner)
