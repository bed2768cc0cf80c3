"""One entry of dvc.lock or of a .dvc file: an output or a dependency, with its hash in whatever form DVC has it."""

from __future__ import annotations

import hashlib
import json
import posixpath
from collections.abc import Mapping
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo.gittext import public
from dataops.repo.records import Dependency, Output, Source

DIGESTS = ("md5", "checksum", "etag", "sha256", "version_id")
HINT = "`git log -p` of that file shows since when"


def output(
    item: Mapping[str, Any],
    flags: Mapping[str, Any],
    folder: str,
    wdir: str,
    address: str,
    where: str,
) -> Output:
    path = path_of(folder, wdir, _required(item, where))
    digest, algorithm, size, files = _content(item)
    outside = "://" in path or path.startswith(("/", "../"))
    cached = flags.get("cache") is not False and not outside and digest is not None
    remote, push = flags.get("remote"), flags.get("push") is not False
    named = str(remote) if remote is not None else None
    metric = bool(flags.get("metric"))
    program = item.get("isexec") is True
    return Output(
        path, digest or "", algorithm, size, files, cached, address, named, push, metric=metric, executable=program
    )


def dependency(item: Mapping[str, Any], folder: str, wdir: str, where: str) -> Dependency:
    database, repo = item.get("db"), item.get("repo")
    if isinstance(database, dict):  # `dvc import-db` has no path
        asked = database.get("table") or database.get("query")
        return Dependency(f"db://{database.get('connection')}/{asked}", *_content(item))
    path = _required(item, where)
    if isinstance(repo, dict):  # `dvc import`: no path of this repository, though one may be called the same
        return Dependency(f"{public(str(repo.get('url')))}#{path}", *_content(item))
    if isinstance(item.get("dataset"), dict):  # of `dvc ds add`
        return Dependency(path, _pinned(item["dataset"]), "dataset")
    return Dependency(path_of(folder, wdir, path), *_content(item))


def _pinned(dataset: Mapping[str, Any]) -> str:
    """What says which content of a dataset it was: a revision, a version, else all that is recorded."""
    known = next((dataset[key] for key in ("rev_lock", "version") if dataset.get(key)), None)
    return str(known) if known else _md5(repr(sorted(dataset.items(), key=str)))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def _content(item: Mapping[str, Any]) -> tuple[str | None, str, int | None, int | None]:
    """Digest, algorithm, bytes and files of an entry; the digest of a cloud-versioned folder is that of its list."""
    size, files = _count(item.get("size")), _count(item.get("nfiles"))
    stated = str(item["hash"]) if item.get("hash") else None
    name = next((key for key in (stated, *DIGESTS) if key and item.get(key) is not None), None)
    if name is not None:
        return str(item[name]), "md5-dos2unix" if name == "md5" and stated is None else name, size, files
    listed = item.get("files")
    if isinstance(listed, list) and all(isinstance(e, dict) and e.get("md5") and e.get("relpath") for e in listed):
        entries = sorted(({"md5": str(e["md5"]), "relpath": str(e["relpath"])} for e in listed), key=_relpath)
        made = _md5(json.dumps(entries, sort_keys=True))
        sizes = [count for count in (_count(e.get("size")) for e in listed) if count is not None]
        return f"{made}.dir", stated or "md5", sum(sizes) if len(sizes) == len(listed) else size, len(listed)
    return None, stated or "md5", size, files


def _relpath(entry: Mapping[str, str]) -> str:
    return entry["relpath"]


def source_of(dep: Mapping[str, Any]) -> tuple[str | None, Source | None]:
    """Where an import came from; a Source where that was a repository."""
    repo = dep.get("repo")
    if isinstance(repo, dict):
        url, path = repo.get("url"), dep.get("path")
        if not isinstance(url, str) or not isinstance(path, str):
            return None, None
        return public(url), Source(url, str(repo.get("rev_lock") or repo.get("rev") or ""), path)
    if isinstance(dep.get("db"), dict):
        return dependency(dep, "", "", "").path, None
    return (public(str(dep["path"])) if dep.get("path") else None), None


def path_of(folder: str, wdir: str, path: str) -> str:
    """Relative to the DVC root; a URL stays what it is, but for passwords: it is shown and compared, never opened."""
    return public(path) if "://" in path else posixpath.normpath(posixpath.join(folder, wdir, path))


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _required(item: Mapping[str, Any], where: str) -> str:
    path = item.get("path")
    if not isinstance(path, str) or not path:
        raise DataOpsError(f"{where}: an entry has no path", HINT)
    return path
