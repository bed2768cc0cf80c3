"""A line of commits of its own, written by git's plumbing: no work tree, no index, no HEAD, no hook has a part in it.

Each commit holds what DVC needs to know one version by: `.dvc/config`, a dvc.yaml with the artifact, a .dvc file, and
the old metadata.json as it was. It bears the old version's time and uploader, as does the tag, and nothing of whoever
imports: two who import the same bucket write the same commits and tags, and neither is in the other's way.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo.dvcroots import CONFIG
from dataops.repo.git import TAGS, Git
from dataops.repo.gittext import complaint
from dataops.versions.importing.old import Old

HEADS = "refs/heads/"
NOBODY, NOWHERE = "unknown", "unknown@example.invalid"  # GTO reads no tag without an address
DOCUMENT = "metadata.json"
EMAIL = re.compile(r"[^\s<>@]+@[^\s<>@]+")


@dataclass(frozen=True)
class Content:
    """What DVC records of a version."""

    path: str
    """Of the artifact, below the DVC root."""
    digest: str
    size: int
    files: int | None
    """None of a single file."""


def tree(git: Git, prefix: str, config: bytes, old: Old, content: Content, meta: Mapping[str, Any]) -> str:
    """The tree of a version's commit; its id."""
    import yaml

    entry: dict[str, Any] = {"path": content.path, "type": old.kind, "meta": {"gates": [], **meta}}
    out: dict[str, Any] = {"md5": content.digest, "size": content.size}
    if content.files is not None:
        out["nfiles"] = content.files
    folder, name = posixpath.split(content.path)
    out |= {"hash": "md5", "path": name}
    texts = {
        CONFIG: config,
        "dvc.yaml": yaml.safe_dump({"artifacts": {old.artifact: entry}}, sort_keys=False, allow_unicode=True).encode(),
        f"{content.path}.dvc": yaml.safe_dump({"outs": [out]}, sort_keys=False, allow_unicode=True).encode(),
        posixpath.join(folder, ".gitignore"): f"/{name}\n".encode(),
    }
    if old.raw:
        texts[DOCUMENT] = old.raw
    blobs = {
        posixpath.join(prefix, path): git.out("hash-object", "-w", "--stdin", stdin=text)
        for path, text in texts.items()
    }
    return _tree(git, blobs)


def _tree(git: Git, blobs: Mapping[str, str]) -> str:
    """The tree of these blobs, and the trees within it."""
    inner: dict[str, dict[str, str]] = {}
    lines = []
    for path, sha in blobs.items():
        name, inside, rest = path.partition("/")
        if inside:
            inner.setdefault(name, {})[rest] = sha
        else:
            lines.append(f"100644 blob {sha}\t{name}")
    lines += [f"040000 tree {_tree(git, below)}\t{name}" for name, below in inner.items()]
    return git.out("mktree", "-z", stdin="".join(f"{line}\0" for line in lines).encode())


def commit(git: Git, tree: str, parent: str | None, old: Old, message: str) -> str:
    """Write the commit object; its id."""
    stamp = f"{who(old.author)} {int(old.time.timestamp())} +0000"
    lines = [f"tree {tree}", *([f"parent {parent}"] if parent else []), f"author {stamp}", f"committer {stamp}"]
    text = "\n".join(lines) + f"\n\n{message.strip()}\n"
    return git.out("hash-object", "-t", "commit", "-w", "--stdin", stdin=text.encode())


def tag(git: Git, name: str, commit: str, old: Old, message: str) -> str:
    """Write the tag object; its id."""
    stamp = f"{who(old.author)} {int(old.time.timestamp())} +0000"
    text = f"object {commit}\ntype commit\ntag {name}\ntagger {stamp}\n\n{message.strip()}\n"
    return git.out("mktag", "--no-strict", stdin=text.encode())


def who(author: str) -> str:
    """An uploader as git writes people: `jane@example.com` is `jane <jane@example.com>`."""
    plain = " ".join("".join(letter if letter.isprintable() else " " for letter in author).split())[:200]
    email = found[0] if (found := EMAIL.search(plain)) else ""
    name = re.sub(r"[<>]", "", plain.replace(email, "") if email else plain).strip(" .,:;\"'")
    return f"{name or email.partition('@')[0] or NOBODY} <{email or NOWHERE}>"


def keep(git: Git, branch: str, commit: str, before: str | None, name: str, sha: str) -> None:
    """Move the branch on and write the tag, both or neither.

    Raises:
        DataOpsError: somebody else did one of them meanwhile.
    """
    nothing = "0" * len(commit)
    lines = [f"update {HEADS}{branch} {commit} {before or nothing}", f"create {TAGS}{name} {sha}"]
    done = git.done("update-ref", "--stdin", "--create-reflog", stdin="".join(f"{line}\n" for line in lines).encode())
    if done.returncode:
        message = f"{name} can't be written: {complaint(done.stderr)}"
        raise DataOpsError(message, "does another import run? then wait for it, and run this again")
