"""Is the code that git has the code that ran? dvc.lock has the hash of what ran; the commit has the bytes."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Iterator, Sequence

from dataops.repo.git import Git
from dataops.repo.ignored import NAME, Ignored
from dataops.repo.records import Dependency

POINTER = b"version https://git-lfs"
LARGEST = 5000  # files of a folder that are worth hashing


def differing(git: Git, commit: str, prefix: str, read: Sequence[Dependency]) -> set[str]:
    """Of dependencies that are files or folders of git: the paths whose content at `commit` has another hash.

    What can't be compared (another hash than MD5, git-lfs, very large folders) differs from nothing. A folder also
    differs where untracked files lay in it when the stage ran.
    """
    asked = [one for one in read if one.digest and one.algorithm in ("md5", "md5-dos2unix")]
    objects = git.batch([f"{commit}:{posixpath.join(prefix, one.path)}" for one in asked])
    found = set()
    for one, there in zip(asked, objects, strict=True):
        digests: set[str] = set()  # none: nothing to compare with
        if there is not None and there.kind == "blob" and not there.content.startswith(POINTER):
            digests = _digests(there.content)
        elif there is not None and there.kind == "tree":
            digests = _folder(git, commit, prefix, one.path)
        if digests and one.digest not in digests:
            found.add(one.path)
    return found


def _digests(content: bytes) -> set[str]:
    """The MD5 that DVC may have recorded: git may have stored a text with other line ends than the work tree had."""
    unix = content.replace(b"\r\n", b"\n")
    return {_md5(text) for text in (content, unix, unix.replace(b"\n", b"\r\n"))}


def _folder(git: Git, commit: str, prefix: str, path: str) -> set[str]:
    """The hash of a folder as DVC makes it, with and without what .dvcignore hides; none where that is not worth it."""
    from dataops.store import manifest

    files = _files(git, commit, posixpath.join(prefix, path))
    if files is None:
        return set()
    above = list(_upwards(path))
    rules = git.batch([f"{commit}:{posixpath.join(prefix, folder, NAME)}" for folder in above])
    hidden = Ignored({folder: one.content for folder, one in zip(above, rules, strict=True) if one is not None})
    seen = {name: digest for name, digest in files.items() if not hidden(posixpath.join(path, name))}
    return {manifest.digest(seen), manifest.digest(files)}


def _files(git: Git, commit: str, path: str) -> dict[str, str] | None:
    """The MD5 of every file below a folder of git; None of a very large one, or one with links or submodules."""
    output = git.read("ls-tree", "-r", "-z", "--full-tree", commit, "--", f"{path}/")
    entries = [line.split(b"\t", 1) for line in output.split(b"\0") if line]
    if len(entries) > LARGEST or any(not facts.startswith(b"100") for facts, _ in entries):
        return None
    names = [name.decode(errors="surrogateescape")[len(path) + 1 :] for _, name in entries]
    blobs = git.batch([facts.split()[2].decode() for facts, _ in entries])
    return {name: _md5(blob.content) for name, blob in zip(names, blobs, strict=True) if blob is not None}


def _upwards(path: str) -> Iterator[str]:
    """The folder and all above it, down to the root ""."""
    while path:
        yield path
        path = posixpath.dirname(path)
    yield ""


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()
