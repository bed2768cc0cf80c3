"""What reports found, as a card keeps it, in a line or two for people; of another shape: its plain values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Lines = Iterator[tuple[str, str]]
QUALITY = {
    "completeness": "complete",
    "validity": "valid",
    "consistency": "consistent",
    "uniqueness": "unique",
    "accuracy": "accurate",
    "timeliness": "timely",
}
ERRORS = ("wape", "smape", "rmse", "mase", "bias")
COLUMNS, FEW = 8, 4


def overrides(card: Mapping[str, Any]) -> Lines:
    """The gates that somebody went past, and why: what a reader must not miss."""
    for one in _maps(card.get("overrides")):
        yield "WENT PAST", f"{one.get('gate')}: {one.get('found')}; {one.get('who')}: {one.get('why')}"


def imported(card: Mapping[str, Any]) -> Lines:
    """What it was called before, and where it lay."""
    yield "was", ", ".join(str(name) for name in card.get("aliases") or ())
    yield "imported", str(_map(card.get("imported")).get("from") or "")


def reports(card: Mapping[str, Any]) -> Lines:
    """Validation, drift and evaluation."""
    yield from _validation(_map(card.get("validation")))
    yield from _drift(_map(card.get("drift")))
    yield from _evaluation(_map(card.get("evaluation")))


def schema(card: Mapping[str, Any]) -> Lines:
    """The columns by their types, the first of each."""
    found = card.get("schema")
    if not isinstance(found, Mapping) or not found:
        return
    version = f"version {card['schema_version']}, " if card.get("schema_version") else ""
    kinds: dict[str, list[str]] = {}
    for name, kind in found.items():
        kinds.setdefault(str(kind), []).append(str(name))
    told = [f"{', '.join(names[:COLUMNS])}{', …' * (len(names) > COLUMNS)} {kind}" for kind, names in kinds.items()]
    yield "schema", f"{version}{len(found)} columns"
    for one in told[:FEW]:
        yield "", one


def brief(value: object) -> str:
    """A section in a line: its plain values."""
    if not isinstance(value, Mapping):
        return "" if value is None else str(value)
    parts = []
    for key, item in value.items():
        if isinstance(item, Mapping):
            parts += [f"{key}.{inner}" for inner in brief(item).split(", ") if inner]
        elif isinstance(item, list):
            plain = not any(isinstance(one, Mapping | list) for one in item)
            parts.append(f"{key} {' '.join(map(str, item)) if plain else len(item)}")
        elif item is not None:
            shown = str(item).lower() if isinstance(item, bool) else f"{item:g}" if isinstance(item, float) else item
            parts.append(f"{key} {shown}")
    return ", ".join(parts)


def _validation(found: Mapping[str, Any]) -> Lines:
    rows, calendar = _map(found.get("rows")), _map(found.get("calendar"))
    if not rows:
        yield "validation", brief(found)
        return
    counts = [f"{rows[name]:,} {told}" for name, told in (("raw", "rows in"), ("excluded", "excluded"),
              ("invalid", "invalid")) if isinstance(rows.get(name), int)]  # fmt: skip
    if isinstance(found.get("duplicate_keys"), int):
        counts.append(f"{found['duplicate_keys']:,} duplicate keys")
    yield "validation", f"{'passed' if found.get('passed') is True else 'NOT passed'}: {', '.join(counts)}"
    quality = _map(found.get("quality"))
    shares = [f"{told} {quality[name]:.4g}" for name, told in QUALITY.items() if _number(quality.get(name))]
    yield "", ", ".join(shares)
    if calendar.get("first"):
        first, last = (str(calendar.get(end, ""))[:10] for end in ("first", "last"))
        gaps = calendar.get("missing_steps")
        steps = f", {calendar['steps']:,} steps" if isinstance(calendar.get("steps"), int) else ""
        series = f", {found['series']:,} series" if isinstance(found.get("series"), int) else ""
        yield "covers", f"{first} to {last}{steps}{f', {gaps:,} missing' if isinstance(gaps, int) else ''}{series}"


def _drift(found: Mapping[str, Any]) -> Lines:
    if not isinstance(found.get("drifted"), bool) or not _number(found.get("score")):
        yield "drift", brief(found)
        return
    listed = found.get("columns_drifted")
    moved = [str(name) for name in listed] if isinstance(listed, list) else []
    checked = found.get("columns_checked")
    what = f"{len(moved)} of {checked} columns ({', '.join(moved[:COLUMNS])})" if moved else "none"
    yield "drift", f"{what}, score {found['score']:.2f}; {found.get('compared', '')}".rstrip("; ")


def _evaluation(found: Mapping[str, Any]) -> Lines:
    model, naive = _map(found.get("model")), _map(found.get("naive"))
    if not model:
        yield "evaluation", brief(found)
        return
    beats = found.get("beats_naive")
    verdict = f"{'beats' if beats else 'does NOT beat'} seasonal naive: " if isinstance(beats, bool) else ""
    errors = [f"{name} {model[name]:.4g}" + (f" (naive {naive[name]:.4g})" if _number(naive.get(name)) else "")
              for name in ERRORS if _number(model.get(name))]  # fmt: skip
    yield "evaluation", verdict + ", ".join(errors)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: object) -> list[Mapping[str, Any]]:
    return [one for one in value if isinstance(one, Mapping)] if isinstance(value, list) else []


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
