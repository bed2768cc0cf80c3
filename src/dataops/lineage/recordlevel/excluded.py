"""Why a record is gone: the list of exclusions, as a version has it."""

from __future__ import annotations

import csv
from collections.abc import Sequence

from dataops.errors import DataOpsError
from dataops.lineage.recordlevel.conditions import Equals
from dataops.lineage.recordlevel.subjects import Opened
from dataops.store.hashing import Hasher
from dataops.versions import files

LIST = "data/exclusions.csv"  # of `dataops exclude`
REASON, ADDED = "reason", "added"


def reason(one: Opened, keys: Sequence[Equals]) -> tuple[str, str]:
    """Why and since when rows with these keys are left out of that version; two empty texts where nothing says so."""
    for row in _rows(one):
        named = {name: value for name, value in row.items() if name not in (REASON, ADDED) and value}
        if named and named.items() <= {key.column: key.text for key in keys}.items():
            return row.get(REASON) or "", row.get(ADDED) or ""
    return "", ""


def _rows(one: Opened) -> list[dict[str, str]]:
    """The list's rows; none where there is no list, or none that can be had."""
    if one.context is None or one.store is None:
        return []
    try:
        output = one.context.snapshot(one.subject.target.commit).output(LIST)
        obj = files.whole_of(output) if output is not None and output.cached else None
        if obj is None:
            return []
        content = one.context.cache.content(obj) if one.context.cache is not None else None
        if content is None:
            content = b"".join(one.store.read(obj))
            hasher = Hasher(obj.algorithm)
            hasher.update(content)
            if not hasher.matches(obj.digest):
                return []
        return list(csv.DictReader(content.decode("utf-8-sig").splitlines(), restval="", restkey="_"))
    except (DataOpsError, csv.Error, UnicodeDecodeError):
        return []
