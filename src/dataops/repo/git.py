"""What git says, asked in as few processes as possible; nothing a person typed is ever taken for an option."""

from __future__ import annotations

import datetime as dt
import os
import re
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from dataops.errors import DataOpsError
from dataops.repo.gitenv import apart, environment
from dataops.repo.gittext import complaint, message, moment

TAGS = "refs/tags/"
KNOWN = re.compile(rb"([0-9a-f]{40,64}) (?:blob|tree|commit|tag) [0-9]+$")
LOSSLESS = "surrogateescape"


class GitError(DataOpsError):
    """git refused; the message is its own line."""


@dataclass(frozen=True)
class Object:
    """One object of git's database."""

    sha: str
    kind: str  # blob, tree, commit or tag
    content: bytes


@dataclass(frozen=True)
class Ref:
    """One ref. Of an annotated tag: its tagger, its time and its text; of anything else the author is empty."""

    full: str
    sha: str
    annotated: bool
    commit: str  # peeled; "" where a tag names a tree or a blob
    who: str  # `Name <email>`
    seconds: int
    raw: bytes
    target: str = "commit"
    """What kind of object `commit` is, until it is peeled."""

    @property
    def author(self) -> str:
        """The name of who made it."""
        return self.who.partition("<")[0].strip()

    @property
    def email(self) -> str:
        """Of the author."""
        return self.who.partition("<")[2].rstrip(">").strip()

    @property
    def name(self) -> str:
        """Without refs/tags/, refs/heads/ or refs/remotes/."""
        for prefix in (TAGS, "refs/heads/", "refs/remotes/"):
            if self.full.startswith(prefix):
                return self.full[len(prefix) :]
        return self.full

    @property
    def time(self) -> dt.datetime:
        """When it was made, in UTC."""
        return moment(self.seconds)

    @cached_property
    def _text(self) -> tuple[str, str]:
        return message(self.raw)

    @property
    def subject(self) -> str:
        """The first line of its text."""
        return self._text[0]

    @property
    def body(self) -> str:
        """What follows the subject, without a signature."""
        return self._text[1]


@dataclass(frozen=True)
class Git:
    """The repository in `folder`: the top of a work tree, or a bare one."""

    folder: Path

    def done(
        self,
        *args: str,
        stdin: bytes | None = None,
        timeout: float | None = None,
        inherit: bool = True,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run git and hand back what happened, whatever its exit status.

        `inherit=False` for what makes or fills another work tree: not even this repository's own hook may pass on which
        index is meant.

        Raises:
            GitError: git is not installed, the folder is gone, or `timeout` seconds have passed.
        """
        try:
            return subprocess.run(
                ["git", *args],
                cwd=self.folder,
                env=environment(self.folder) if inherit else apart(),
                input=stdin,
                stdin=subprocess.DEVNULL if stdin is None else None,
                capture_output=True,
                check=False,
                timeout=timeout,
            )
        except subprocess.TimeoutExpired:
            raise GitError(f"git {args[0]} took longer than {timeout:.0f} s") from None
        except FileNotFoundError:
            if not self.folder.is_dir():
                raise GitError(f"{self.folder} is no folder") from None
            raise GitError("git is not installed", "https://git-scm.com/downloads") from None

    def read(self, *args: str, stdin: bytes | None = None) -> bytes:
        """Standard output as it is.

        Raises:
            GitError: with git's own line.
        """
        done = self.done(*args, stdin=stdin)
        if done.returncode:
            raise GitError(f"git {args[0]}: {complaint(done.stderr)}")
        return done.stdout

    def out(self, *args: str, stdin: bytes | None = None) -> str:
        """Standard output as text, without the final newline.

        Raises:
            GitError: with git's own line.
        """
        return self.read(*args, stdin=stdin).decode(errors="replace").removesuffix("\n")

    def ok(self, *args: str) -> bool:
        """Does git end with status 0?"""
        return self.done(*args).returncode == 0

    def refs(self, *patterns: str, merged: str | None = None) -> list[Ref]:
        """The refs that `patterns` (as `refs/tags/`) name, sorted by name; two processes, however many.

        `merged`: only those that this commit has among its ancestors.
        """
        options = [] if merged is None else [f"--merged={merged}"]
        output = self.read("for-each-ref", "--format=%(objectname) %(refname)", *options, "--", *patterns)
        named = [line.split(" ", 1) for line in _lines(output)]
        found = self.batch([sha for sha, _ in named])  # twice as quick as for-each-ref's own %(contents)
        return _peel(self, [_ref(full, there) for (_, full), there in zip(named, found, strict=True) if there])

    def tips(self, *patterns: str) -> list[tuple[str, str]]:
        """The refs that `patterns` name with the commit of each, without their texts; one of no commit is left out."""
        form = "--format=%(objecttype) %(objectname) %(*objecttype) %(*objectname) %(refname)"
        found = []
        for line in _lines(self.read("for-each-ref", form, "--", *patterns)):
            kind, sha, inner, peeled, name = line.split(" ", 4)
            if "commit" in (kind, inner):
                found.append((name, sha if kind == "commit" else peeled))
        return found

    def batch(self, names: Sequence[str]) -> list[Object | None]:
        """The objects of these names (a sha, `commit:path`), None where there is none; one process for all."""
        asked = [name for name in names if _askable(name)]
        if not asked:
            return [None] * len(names)
        output = self.read("cat-file", "--batch", stdin="".join(f"{name}\n" for name in asked).encode(errors=LOSSLESS))
        found = iter(_objects(output))
        return [next(found) if _askable(name) else None for name in names]

    def shas(self, names: Sequence[str]) -> list[str | None]:
        """The ids alone of the objects of these names; None where there is none."""
        asked = [name for name in names if _askable(name)]
        if not asked:
            return [None] * len(names)
        lines = self.read("cat-file", "--batch-check", stdin="".join(f"{n}\n" for n in asked).encode(errors=LOSSLESS))
        found = iter([KNOWN.match(line) for line in lines.splitlines()])
        answers = [next(found) if _askable(name) else None for name in names]
        return [answer[1].decode() if answer else None for answer in answers]

    def blob(self, commit: str, path: str) -> bytes | None:
        """The file `path` as `commit` has it; None where it has none, or a folder."""
        (found,) = self.batch([f"{commit}:{path}"])
        return found.content if found and found.kind == "blob" else None

    def commit_of(self, revision: str) -> str | None:
        """The commit that a revision names: a branch, tag, id, `HEAD~2`, … None where there is none, or several."""
        if not revision or "\0" in revision or "\n" in revision or revision.startswith("^"):
            return None
        done = self.done("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
        sha = done.stdout.decode(errors="replace").strip()
        return sha if done.returncode == 0 and re.fullmatch(r"[0-9a-f]{40,64}", sha) else None


def of(root: Path) -> Git:
    """The git repository whose work tree holds `root`.

    Raises:
        GitError: none does.
    """
    for folder in (root.resolve(), *root.resolve().parents):
        if (folder / ".git").exists():
            return Git(folder)
    top = Git(root).done("rev-parse", "--show-toplevel")  # GIT_DIR may say so
    if top.returncode:
        raise GitError(f"{root} is in no git repository", "`git init`; versions are git tags")
    return Git(Path(os.fsdecode(top.stdout).removesuffix("\n")))


def prefix(root: Path) -> str:
    """Where `root` lies below the top of its git repository, in POSIX spelling; "" where it is the top."""
    inner = root.resolve().relative_to(of(root).folder.resolve()).as_posix()
    return "" if inner == "." else inner


def _ref(full: str, found: Object) -> Ref:
    """A ref and what it names: an annotated tag, or anything else."""
    head, _, raw = found.content.partition(b"\n\n")
    maker = b"\ntagger " if found.kind == "tag" else b"\ncommitter "
    line = head.partition(maker)[2].partition(b"\n")[0] if found.kind in ("tag", "commit") else b""
    who, seconds, _ = line.rsplit(b" ", 2) if line.count(b" ") > 1 else (line, b"", b"")
    target, kind = found.sha, "commit"
    if found.kind == "tag":
        first, second = head.split(b"\n", 2)[:2]
        target, kind = first.removeprefix(b"object ").decode(), second.removeprefix(b"type ").decode()
    time = int(seconds) if seconds.isdigit() else 0
    return Ref(full, found.sha, found.kind == "tag", target, who.decode(errors="replace"), time, raw, kind)


def _peel(git: Git, refs: list[Ref]) -> list[Ref]:
    """Follow tags of tags to their commit (rare: one more process); tags of trees and blobs get none."""
    nested = sorted({ref.commit for ref in refs if ref.target != "commit"})
    if not nested:
        return refs
    found = git.batch([f"{sha}^{{commit}}" for sha in nested])
    peeled = {sha: commit.sha if commit else "" for sha, commit in zip(nested, found, strict=True)}
    return [ref if ref.target == "commit" else replace(ref, commit=peeled[ref.commit]) for ref in refs]


def _objects(output: bytes) -> list[Object | None]:
    """cat-file's answers: `SHA KIND SIZE`, content, newline; or a line that ends in `missing` or the like."""
    found: list[Object | None] = []
    place = 0
    while place < len(output):
        end = output.index(b"\n", place)
        words = output[place:end].rsplit(b" ", 2)
        if len(words) != 3 or not words[2].isdigit() or words[1] not in (b"blob", b"tree", b"commit", b"tag"):
            found.append(None)
            place = end + 1
            continue
        size = int(words[2])
        found.append(Object(words[0].decode(), words[1].decode(), output[end + 1 : end + 1 + size]))
        place = end + 1 + size + 1
    return found


def _lines(output: bytes) -> list[str]:
    """Git's lines: a ref's name may hold other characters that Python takes for the end of one."""
    return output.decode(errors=LOSSLESS).split("\n")[:-1]


def _askable(name: str) -> bool:
    """cat-file reads one name a line."""
    return bool(name) and "\n" not in name and "\0" not in name
