"""Which objects, and which files of git, an artifact consists of at a commit."""

from __future__ import annotations

import difflib
import fnmatch
import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from dataops.errors import DataOpsError, Refused
from dataops.repo.clones import shown
from dataops.repo.git import Git
from dataops.repo.names import Target
from dataops.repo.recorded import Snapshot
from dataops.repo.records import Artifact, Output
from dataops.store import manifest
from dataops.store.cache import Cache
from dataops.store.objects import LEGACY, MissingObjectError, Object, Store
from dataops.versions.sources import Sources

LARGEST = 1 << 30  # bytes of a manifest
DVC_FILES = (".gitignore", ".dvcignore", "dvc.yaml", "dvc.lock")


@dataclass(frozen=True)
class Listing:
    """The files of one path at one commit, by their names below it; a single file goes by its own name."""

    path: str
    objects: Mapping[str, Object]
    in_git: Mapping[str, str] = field(default_factory=dict)
    """Files that git tracks (`cache: false`): their path in the commit."""
    whole: Object | None = None
    """The object of the path itself: a folder's manifest, or the file."""
    size: int | None = None
    """Bytes of all objects, where that is recorded."""
    commit: str = ""
    """That git's files are of."""
    left_out: tuple[str, ...] = ()
    """Outputs below the path that nobody keeps: never downloaded, or external."""

    @property
    def names(self) -> list[str]:
        """Every file, sorted."""
        return sorted({*self.objects, *self.in_git})

    def only(self, patterns: Sequence[str]) -> Listing:
        """The files that are named, lie in a folder that is named, or match a pattern (`*`, `?`, `[…]`).

        Raises:
            DataOpsError: a pattern matches nothing.
        """
        if not patterns:
            return self
        kept: set[str] = set()
        for pattern in patterns:
            found = _matching(pattern, self.names)
            if not found:
                raise _no_file(pattern, self.names)
            kept |= found
        if len(kept) == len(self.names):
            return self
        return replace(
            self,
            objects={name: obj for name, obj in self.objects.items() if name in kept},
            in_git={name: at for name, at in self.in_git.items() if name in kept},
            size=None,
            left_out=(),
        )


def artifact_of(snapshot: Snapshot, target: Target, default: str = "dataset") -> Artifact:
    """The artifact that `target` means, as it was declared at that commit.

    Raises:
        DataOpsError: it wasn't.
    """
    name = target.artifact or default
    found = snapshot.artifact(name)
    if found is None:
        known = ", ".join(sorted(snapshot.artifacts))
        hint = f"declared there: {known}" if known else "no dvc.yaml there has artifacts"
        raise DataOpsError(
            f"{target.asked} ({snapshot.commit[:7]}) declares no artifact {name}", f"{hint}; --path names any output"
        )
    _require_unmoved(snapshot, target, found)
    return found


def _require_unmoved(snapshot: Snapshot, target: Target, artifact: Artifact) -> None:
    """Git lets anybody move a tag; the card that it carries says what it was made for.

    Raises:
        Refused: the version's commit holds other content than its card says.
    """
    said = (target.version.card or {}).get("hash") if target.version is not None else None
    output = snapshot.output(artifact.path)
    if target.version is None or said is None or output is None or output.digest == said:
        return
    raise Refused(
        f"{target.version.name} is not what it was: its card says {str(said)[:7]}, "
        f"the commit it is on ({snapshot.commit[:7]}) has {output.digest[:7]}",
        "the tag was moved: `git fetch --tags --force` takes the git remote's; `dataops verify` says more",
    )


def listing(git: Git, prefix: str, snapshot: Snapshot, path: str, store: Store, cache: Cache | None) -> Listing:
    """The files of `path`: an output, a part of one, a folder with several of them, or files of git.

    Raises:
        DataOpsError: nothing is recorded there, or a list of files is damaged, hostile or can't be had.
    """
    path = posixpath.normpath(path.strip("/")) if path.strip("/") else "."
    if ".." in path.split("/"):
        raise DataOpsError(f"{path} is outside the repository", "paths count from its root")
    covering = snapshot.covering(path)
    if covering is not None and covering.cached:
        return _part(covering, path, store, cache)
    found = _inside(snapshot, path, store, cache)
    in_git = _in_git(git, prefix, snapshot, path)
    if not found and not in_git:
        known = [out.path for stage in snapshot.stages for out in stage.outs]
        close = difflib.get_close_matches(path, known, 1)
        hint = f"did you mean {close[0]}?" if close else f"outputs there: {', '.join(sorted(known)[:5]) or 'none'}"
        if covering is not None:
            hint = f"{covering.path} is recorded without being kept: external, or never downloaded"
            if (source := covering.source) is not None:
                place = f"--path {source.path} --repo {shown(source.url)}"
                hint = f"`dataops get {source.revision[:12] or 'HEAD'} {place}` has it: it was imported, not downloaded"
        elif (module := _submodule(git, prefix, snapshot.commit, path)) is not None:
            hint = f"{module} is a submodule: --repo takes its own URL"
        elif path in snapshot.unrecorded:
            hint = f"{snapshot.unrecorded[path]} would make it, but dvc.lock doesn't know that stage: `dvc repro`"
        raise DataOpsError(f"nothing is recorded for {path} at {snapshot.commit[:7]}", hint)
    kept = {name: at for name, at in in_git.items() if name not in found}
    below = "" if path == "." else f"{path}/"
    outs = (out for stage in snapshot.stages for out in stage.outs if not out.cached and out.path.startswith(below))
    left_out = tuple(out.path for out in outs if not out.digest or out.imported)
    return Listing(path, found, kept, commit=snapshot.commit, left_out=left_out)


def whole_of(output: Output) -> Object:
    """The object that an output is.

    Raises:
        DataOpsError: nothing was recorded, or not by a hash that DVC keeps objects under.
    """
    if not output.digest:
        raise DataOpsError(f"{output.path} was never downloaded", "`dvc update` where it is imported fetches it")
    size = None if output.digest.endswith(manifest.SUFFIX) else _size(output)
    return Object(output.digest, output.algorithm, size)


def _size(output: Output) -> int | None:
    """Its recorded bytes; DVC 2 may have counted those of a text without its CRs."""
    return None if output.algorithm == LEGACY else output.size


def entries(whole: Object, path: str, store: Store, cache: Cache | None) -> tuple[manifest.Entry, ...]:
    """A folder's files, from the cache's manifest where that is sound, else from the remote's.

    Raises:
        DataOpsError: neither has it, or it is damaged or hostile.
    """
    content = cache.content(whole) if cache is not None else None
    if content is None:
        content = _read(whole, path, store)
    return manifest.parse(content, whole.digest)


def _read(whole: Object, path: str, store: Store) -> bytes:
    """The manifest on the remote, as long as it is one that could be."""
    content = bytearray()
    try:
        for block in store.read(whole):
            content += block
            if len(content) > LARGEST:
                break
    except MissingObjectError:
        raise MissingObjectError(store.url, whole, f"list of the files of {path}") from None
    except DataOpsError as error:
        message = f"the list of the files of {path} is not in the cache, and {error.message}"
        raise DataOpsError(message, error.hint) from None
    if len(content) > LARGEST:
        raise DataOpsError(f"the list of files of {path} is larger than {LARGEST >> 30} GiB", "it is refused")
    return bytes(content)


def _part(output: Output, path: str, store: Store, cache: Cache | None) -> Listing:
    """An output, or what lies below it."""
    whole = whole_of(output)
    if isinstance(store, Sources):
        store.take(output, [whole])
    made = _listed(whole, output, path, store, cache)
    if isinstance(store, Sources):
        store.take(output, made.objects.values())
    return made


def _listed(whole: Object, output: Output, path: str, store: Store, cache: Cache | None) -> Listing:
    if not whole.is_folder:
        return Listing(path, {posixpath.basename(path): whole}, whole=whole, size=_size(output))
    found = {entry.path: entry.digest for entry in entries(whole, output.path, store, cache)}
    if path == output.path:
        objects = {name: Object(digest, output.algorithm) for name, digest in found.items()}
        return Listing(path, objects, whole=whole, size=_size(output))
    inner = posixpath.relpath(path, output.path)
    if inner in found:
        own = Object(found[inner], output.algorithm)
        return Listing(path, {posixpath.basename(inner): own}, whole=own)
    below = f"{inner}/"
    objects = {
        name.removeprefix(below): Object(digest, output.algorithm)
        for name, digest in found.items()
        if name.startswith(below)
    }
    if not objects:
        raise _no_file(inner, sorted(found))
    return Listing(path, objects)


def _inside(snapshot: Snapshot, path: str, store: Store, cache: Cache | None) -> dict[str, Object]:
    """The objects of every output below `path`."""
    found: dict[str, Object] = {}
    below = "" if path == "." else f"{path}/"
    for output in (out for stage in snapshot.stages for out in stage.outs):
        if output.cached and output.path.startswith(below):
            name = output.path.removeprefix(below)
            part = _part(output, output.path, store, cache)
            single = part.whole is not None and not part.whole.is_folder
            found |= {name if single else f"{name}/{inner}": obj for inner, obj in part.objects.items()}
    return found


def _in_git(git: Git, prefix: str, snapshot: Snapshot, path: str) -> dict[str, str]:
    """Files of git below `path`, without those by which DVC does its work."""
    full = posixpath.normpath(posixpath.join(prefix, path))
    base = "" if full == "." else full
    done = git.done("ls-tree", "-r", "-z", "--full-tree", snapshot.commit, *(["--", base] if base else []))
    own = posixpath.join(prefix, ".dvc/")
    found = {}
    for line in done.stdout.split(b"\0")[:-1] if done.returncode == 0 else ():
        facts, _, raw = line.partition(b"\t")
        name = raw.decode(errors="surrogateescape")
        ours = name.rpartition("/")[2]
        dvcs = ours in DVC_FILES or ours.endswith(".dvc") or name.startswith(own)
        if facts.startswith(b"100") and not dvcs:
            found[posixpath.basename(name) if name == base else name.removeprefix(f"{base}/" if base else "")] = name
    return found


def _submodule(git: Git, prefix: str, commit: str, path: str) -> str | None:
    """The submodule that `path` is or lies in."""
    parts = posixpath.normpath(posixpath.join(prefix, path)).split("/")
    above = ["/".join(parts[: end + 1]) for end in range(len(parts))]
    lines = git.done("ls-tree", "-z", "--full-tree", commit, "--", *above).stdout.split(b"\0")
    found = (line.partition(b"\t")[2].decode(errors="replace") for line in lines if line.startswith(b"160000 "))
    return next(found, None)


def _matching(pattern: str, names: Sequence[str]) -> set[str]:
    """The names that a person means by `pattern`."""
    wanted = pattern.removeprefix("./").strip("/")
    exact = {name for name in names if name == wanted or name.startswith(f"{wanted}/")}
    return exact or {name for name in names if fnmatch.fnmatchcase(name, wanted)}


def _no_file(asked: str, names: Sequence[str]) -> DataOpsError:
    close = difflib.get_close_matches(asked, [*names, *{name.partition("/")[0] for name in names}], 3, 0.5)
    shown = ", ".join(close or names[:3])
    return DataOpsError(f"there is no file {asked}", f"there are {len(names)}, as {shown}" if names else "it is empty")
