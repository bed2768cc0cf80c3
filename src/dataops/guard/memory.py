"""What one run has worked out and the next may use, each thing under a key that says what it was made from."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

FILE = Path(".dvc/tmp/dataops-guard.json")


class Memory:
    """A small JSON file in `.dvc/tmp`; it may go at any time."""

    def __init__(self, root: Path, *, own: bool = True) -> None:
        """`own` is False where the file came with a commit: then it says what somebody else wants to be believed."""
        self._path = root / FILE
        self._kept: dict[str, Any] = _load(self._path) if own else {}
        self._changed = False

    def get(self, name: str, key: str) -> Any:
        """What was put there under that very key; None of another one."""
        kept = self._kept.get(name)
        return kept["value"] if isinstance(kept, dict) and kept.get("key") == key else None

    def put(self, name: str, key: str, value: Any) -> None:
        """Remember something that JSON can hold."""
        self._kept[name] = {"key": key, "value": value}
        self._changed = True

    def save(self) -> None:
        """Write it, where anything changed and it can be written."""
        if not self._changed:
            return
        from dataops import files

        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            # somebody's YAML may hold what JSON has not, as `!!timestamp`
            files.write_text(self._path, json.dumps(self._kept, separators=(",", ":"), default=str, skipkeys=True))
        except OSError:
            return
        self._changed = False


def key(*parts: str | bytes) -> str:
    """Of everything that a result was made from; the order counts."""
    made = hashlib.sha256()
    for part in parts:
        content = part.encode(errors="surrogateescape") if isinstance(part, str) else part
        made.update(len(content).to_bytes(8, "big") + content)
    return made.hexdigest()


def _load(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
