"""The card of a version: what anyone wants to know of it in years, inside the tag's message, readable with `git show`.

    dataset v1.1.0: 31 days added, 2025-01-01 to 2025-01-31: 15,500 rows

    What the person said.

    {
      "format": 1,
      …
    }

`repo.cardtext` reads it back.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dataops.files import plain
from dataops.repo.cardtext import KEYS, LINES, cleaned, parse, sane
from dataops.versions.wording import clean, shortened

__all__ = ["build", "parse", "spoken", "text"]

FORMAT = 1
SUBJECT = 100  # characters
KEPT = 20  # entries of a report whose shape nobody knows
SIGNATURE = re.compile(r"^-----BEGIN ", re.MULTILINE)  # git takes what follows for the tag's signature


def build(**facts: Any) -> dict[str, Any]:
    """A card of these facts, in the order of KEYS; what is None is left out, but for `previous`.

    Raises:
        TypeError: a fact has no place on a card.
    """
    unknown = [name for name in facts if name not in KEYS]
    if unknown:
        raise TypeError(f"a card has no {unknown[0]}")
    facts.setdefault("format", FORMAT)
    here = [name for name in KEYS if facts.get(name) is not None or (name == "previous" and name in facts)]
    return {name: cleaned(plain(facts[name]), name) for name in here}


def text(card: Mapping[str, Any], message: str = "") -> str:
    """The tag's message: a subject for people, what the person said, the card."""
    name = " ".join(str(card[key]) for key in ("artifact", "version") if key in card)
    subject = shortened(clean(f"{name}: {card.get('reason') or 'released'}"), SUBJECT)
    block = json.dumps(cleaned(plain(dict(card))), indent=2, ensure_ascii=False, allow_nan=False)
    said = spoken(message)
    return "\n\n".join(filter(None, [subject, said, block])) + "\n"


def spoken(message: str) -> str:
    """A person's message as a tag can hold it: no control characters, no line that means something to git or to us."""
    lines = sane(message.replace("\r\n", "\n").replace("\r", "\n"), LINES).split("\n")
    kept = [f" {line.rstrip()}" if line.startswith(("{", "}")) else line.rstrip() for line in lines]
    return SIGNATURE.sub(" -----BEGIN ", "\n".join(kept)).strip("\n")


# --- the few numbers of a report that are worth years ---------------------------------------------------------------


def validation_summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """Whether it passed, rows, the six dimensions of quality, and what was left out."""
    found = _picked(report, "passed", "rows", "quality", "age_days", "series", "duplicate_keys", "broken_rules")
    if isinstance(report.get("problems"), list) and report["problems"]:
        found["problems"] = report["problems"][:KEPT]
    calendar = report.get("calendar")
    if isinstance(calendar, Mapping):
        found["calendar"] = _picked(calendar, "first", "last", "steps", "missing_steps")
    return found if "passed" in found else _scalars(report)


def drift_summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """Against what, how far, and which columns."""
    found = _picked(report, "compared", "drifted", "score", "columns_checked", "columns_drifted", "rows")
    return found if "drifted" in found else _scalars(report)


def evaluation_summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """The errors of the model and of the baseline."""
    found = _picked(report, "rows", "naive_lag", "model", "naive", "model_where_naive", "beats_naive")
    return found if "model" in found else _scalars(report)


def training_summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """Where it was trained, with what, by which code."""
    names = ("backend", "job", "entry_point", "image", "instance", "hyperparameters", "packages", "rounds", "seconds")
    found = _picked(report, *names)
    return found if "backend" in found else _scalars(report)


def _picked(report: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Entries that are there and not empty; long ones are cut."""
    found = {}
    for name in names:
        value = report.get(name)
        if isinstance(value, Mapping):
            value = _scalars(value, 4 * KEPT) | {
                key: item for key, item in value.items() if isinstance(item, list) and len(item) <= KEPT
            }
        elif isinstance(value, list):
            value = value[:KEPT]
        if value not in (None, {}, [], ""):
            found[name] = value
    return found


def _scalars(report: Mapping[str, Any], most: int = KEPT) -> dict[str, Any]:
    """Numbers, truths and short texts at the top of a report."""
    simple = {
        str(name): value
        for name, value in report.items()
        if isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= 200)
    }
    return dict(list(simple.items())[:most])
