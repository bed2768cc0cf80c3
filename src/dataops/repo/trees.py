"""Git's tree objects, walked for many commits together: each distinct folder once, however many commits share it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dataops.repo.git import Git

AT_ONCE = 2000  # objects asked of one git process: bounds the memory
FOLDER = "40000"


@dataclass(frozen=True)
class Entry:
    """A line of a tree."""

    mode: str
    name: str
    sha: str

    @property
    def is_file(self) -> bool:
        """No folder, link or submodule."""
        return self.mode.startswith("100")


def entries(content: bytes, width: int) -> Iterator[Entry]:
    """What a tree object lists: `MODE NAME`, NUL, the id's bytes; `width` of them (20, or 32 with SHA-256)."""
    place = 0
    while place < len(content):
        end = content.index(b"\0", place)
        mode, _, name = content[place:end].partition(b" ")
        yield Entry(mode.decode(), name.decode(errors="replace"), content[end + 1 : end + 1 + width].hex())
        place = end + 1 + width


def blobs(git: Git, commits: Sequence[str], wanted: Callable[[str], bool]) -> dict[str, frozenset[str]]:
    """By commit: the files, by blob id, whose name is `wanted`; commits that are not in this clone are left out."""
    width = len(commits[0]) // 2 if commits else 20
    found: dict[str, tuple[frozenset[str], list[str]]] = {}  # of a tree: its own files, and its folders
    tops: dict[str, str] = {}
    level = [f"{sha}^{{tree}}" for sha in commits]
    names: dict[str, str] = dict(zip(level, commits, strict=True))
    while level:
        deeper: dict[str, None] = {}
        for start in range(0, len(level), AT_ONCE):
            some = level[start : start + AT_ONCE]
            for name, tree in zip(some, git.batch(some), strict=True):
                if tree is None or tree.kind != "tree":
                    continue
                if name in names:
                    tops[names[name]] = tree.sha
                listed = list(entries(tree.content, width))
                folders = [entry.sha for entry in listed if entry.mode == FOLDER]
                files = frozenset(entry.sha for entry in listed if entry.is_file and wanted(entry.name))
                found[tree.sha] = (files, folders)
                deeper.update(dict.fromkeys(folders))
        level = [sha for sha in deeper if sha not in found]
    return _gathered(found, tops)


def _gathered(found: dict[str, tuple[frozenset[str], list[str]]], tops: dict[str, str]) -> dict[str, frozenset[str]]:
    """Each tree's files with those of its folders; without recursion, as somebody's folders may be nested absurdly."""
    whole: dict[str, frozenset[str]] = {}
    for top in set(tops.values()):
        todo = [top]
        while todo:
            sha = todo[-1]
            files, folders = found.get(sha, (frozenset(), []))
            missing = [] if sha in whole else [folder for folder in folders if folder not in whole]
            if missing:
                todo += missing
                continue
            whole.setdefault(sha, files.union(*(whole[folder] for folder in folders)))
            todo.pop()
    return {commit: whole[top] for commit, top in tops.items()}
