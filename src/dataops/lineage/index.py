"""Which commits mention a hash: looked up in an index that is made on the way and may be deleted at any time.

A dvc.lock never changes under its blob id, so what it mentions is kept by that id: in git's own folder, where git never
looks, shared by all work trees. Ten thousand locks are read once; then a question is one scan over 10 MB.
"""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dataops.repo import trees
from dataops.repo.git import Git
from dataops.repo.scanned import HASH, digits, is_record
from dataops.store.objects import Progress, silent

FILE = "dataops/lineage-1.sqlite"  # the number is its format's: another one is another file
PATIENCE = 5.0  # seconds for another process to be done with it
AT_ONCE = 2000  # objects asked of one git process: bounds the memory
SCHEMA = """
CREATE TABLE IF NOT EXISTS record (id INTEGER PRIMARY KEY, blob TEXT NOT NULL UNIQUE, hashes BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS holds (commit_id TEXT PRIMARY KEY, records BLOB NOT NULL) WITHOUT ROWID;
"""


def mentioning(git: Git, commits: Sequence[str], digests: Iterable[str], progress: Progress = silent) -> set[str]:
    """Those of the commits whose dvc.lock or .dvc files have one of these hashes somewhere in their text.

    A commit that is not in this clone mentions nothing; neither does anything mention what is no MD5.
    """
    wanted = [bytes.fromhex(digest[:32]) for digest in digests if HASH.fullmatch(digest.encode())]
    if not wanted:
        return set()
    file = _file(git)
    if file is not None:
        try:
            return _ask(file, git, commits, wanted, progress)
        except sqlite3.OperationalError:  # locked, read-only, disk full: another time
            pass
        except (sqlite3.DatabaseError, struct.error, TypeError, OverflowError):  # damaged, or somebody else's values
            with contextlib.suppress(OSError):
                Path(file).unlink(missing_ok=True)
    return _ask(":memory:", git, commits, wanted, progress)


def _file(git: Git) -> str | None:
    """Where the index is; None where its folder can't be made."""
    file = git.folder / git.out("rev-parse", "--git-common-dir") / FILE
    try:
        file.parent.mkdir(exist_ok=True)
    except OSError:
        return None
    return str(file)


def _ask(file: str, git: Git, commits: Sequence[str], wanted: Sequence[bytes], progress: Progress) -> set[str]:
    with contextlib.closing(sqlite3.connect(file, timeout=PATIENCE, isolation_level=None)) as database:
        database.executescript(SCHEMA)
        _learn(database, git, commits, progress)
        having = {row[0] for one in wanted for row in
                  database.execute("SELECT id FROM record WHERE instr(hashes, ?)", (one,))}  # fmt: skip
        asked = set(commits)
        held = (
            (sha, struct.iter_unpack("<I", ids)) for sha, ids in database.execute("SELECT * FROM holds") if sha in asked
        )
        return {sha for sha, ids in held if not having.isdisjoint(itertools.chain.from_iterable(ids))}


def _learn(database: sqlite3.Connection, git: Git, commits: Sequence[str], progress: Progress) -> None:
    """Read what is new, in one transaction: killed, the index is as it was."""
    if not _unknown(database, commits):
        return
    database.execute("BEGIN IMMEDIATE")
    held = trees.blobs(git, _unknown(database, commits), is_record)  # again: another process may just have done it
    ids = dict(database.execute("SELECT blob, id FROM record"))
    new = sorted({blob for blobs in held.values() for blob in blobs} - ids.keys())
    first = max(ids.values(), default=0) + 1
    for place, (blob, hashes) in enumerate(_read(git, new)):
        ids[blob] = first + place
        database.execute("INSERT INTO record VALUES (?, ?, ?)", (ids[blob], blob, hashes))
        if place % AT_ONCE == 0:
            progress(place, len(new), "records of DVC")
    database.executemany(
        "INSERT INTO holds VALUES (?, ?)",
        (
            (sha, struct.pack(f"<{len(blobs)}I", *(ids[blob] for blob in blobs)))
            for sha, blobs in held.items()
            if blobs <= ids.keys()
        ),
    )
    database.execute("COMMIT")


def _unknown(database: sqlite3.Connection, commits: Sequence[str]) -> list[str]:
    known = {row[0] for row in database.execute("SELECT commit_id FROM holds")}
    return [sha for sha in dict.fromkeys(commits) if sha not in known]


def _read(git: Git, blobs: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """What each record mentions: its distinct MD5s, 16 bytes each. One that isn't in this clone is left out."""
    for start in range(0, len(blobs), AT_ONCE):
        some = blobs[start : start + AT_ONCE]
        for blob, found in zip(some, git.batch(some), strict=True):
            if found is not None:
                hashes = digits(found.content)
                yield blob, bytes.fromhex(b"".join(sorted(hashes)).decode())
