"""Which kind of remote a DVC configuration names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from configobj import ConfigObj

from dataops.errors import DataOpsError
from dataops.store import dvcconfig
from dataops.store.dvcconfig import COMMITTED, LOCAL, Remote
from dataops.store.folder import FolderStore
from dataops.store.objects import NoStore, Store
from dataops.store.remote import PLACEHOLDER
from dataops.store.web import WebStore

FETCH = "`dvc fetch` in a clone brings the data into its cache; then this works there"
DEEPEST = 8  # remotes that refer to another one


def for_root(root: Path, remote: str | None = None) -> Store:
    """The default remote of the repository at `root`, or the one named; nothing is asked of it yet.

    Raises:
        DataOpsError: a configuration file can't be read, or it doesn't know the remote that was named.
    """
    return choose(dvcconfig.levels(root), remote, root / ".dvc")


def for_config(text: str | bytes, remote: str | None = None, base: Path | None = None) -> Store:
    """The remote of somebody else's repository, by its committed .dvc/config; `base` is its .dvc where it is local.

    Raises:
        DataOpsError: as for `for_root`.
    """
    content = text.decode(errors="replace") if isinstance(text, bytes) else text
    named = [*dvcconfig.outside(), (str(dvcconfig.COMMITTED), dvcconfig.parse(content, ".dvc/config"))]
    return choose(named, remote, base)


def choose(named: Sequence[tuple[str, ConfigObj]], remote: str | None, base: Path | None) -> Store:
    """The remote called `remote`, or the default one; `base` is the folder that relative paths start from.

    What can't be used (no default, a kind of server not spoken here) becomes a `NoStore`, as the cache may have it all.

    Raises:
        DataOpsError: the configuration doesn't know the remote that was named.
    """
    name = remote.lower() if remote else dvcconfig.default_remote(named)[0]
    if name is None:
        known = ", ".join(_names(named))
        hint = f"--remote names one: {known}" if known else "`dataops store up`, or `dvc remote add`"
        return NoStore("(no remote)", "the repository has no default remote", hint)
    options, last = _resolved(named, name)
    if "url" not in options:
        known = ", ".join(_names(named)) or "none"
        raise DataOpsError(f"there is no remote {name}", f"remotes of this repository: {known}")
    found = dvcconfig.remote_of(name, options, dvcconfig.defined_in(named, last))
    return _store(found, options, _base(found.defined_in, base))


def _store(remote: Remote, options: Mapping[str, str], base: Path | None) -> Store:
    """The store of one remote, whose URL and options `remote://` has been followed in."""
    url = options["url"]
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if any(options.get(key, "").lower() == "true" for key in ("version_aware", "worktree")):
        return NoStore(url, f"the remote {remote.name} keeps files by version id, not by hash", FETCH)
    if url.startswith(PLACEHOLDER):
        hint = "`dataops remote use s3://…` names your bucket; `dataops store up` starts the embedded one"
        return NoStore(url, "the remote is still the template's placeholder", hint)
    if scheme == "s3":
        from dataops.store.s3objects import S3Store

        return S3Store(remote, options)
    if scheme in ("http", "https"):
        return WebStore(url, options)
    if scheme in ("", "file"):
        return _folder(unquote(urlsplit(url).path) if scheme else url, base)
    return NoStore(url, f"remotes of the kind {scheme}:// are not read directly", FETCH)


def _folder(text: str, base: Path | None) -> Store:
    """A remote that is a folder."""
    path = Path(text).expanduser()
    if not path.is_absolute():
        if base is None:
            return NoStore(text, f"the remote is the folder {text} of another machine", FETCH)
        path = base / path
    return FolderStore(path.resolve())


def _base(defined_in: str, base: Path | None) -> Path | None:
    """DVC counts a relative path from the folder of the file that has it."""
    return base if defined_in in (str(COMMITTED), str(LOCAL)) else Path(defined_in).parent


def _resolved(named: Sequence[tuple[str, ConfigObj]], name: str) -> tuple[dict[str, str], str]:
    """The remote's options over those of the remotes that its URL `remote://other/path` leads to, and the last of them.

    Raises:
        DataOpsError: it leads nowhere.
    """
    options, other = dvcconfig.options_of(named, name), name
    for _ in range(DEEPEST):
        if not options.get("url", "").startswith("remote://"):
            return options, other
        other, _, rest = options["url"].removeprefix("remote://").partition("/")
        parent = dvcconfig.options_of(named, other)
        if "url" not in parent:
            raise DataOpsError(f"the remote {name} refers to a remote {other}, which nobody defines")
        options = parent | options | {"url": "/".join(part for part in (parent["url"].rstrip("/"), rest) if part)}
    raise DataOpsError(f"the remote {name} refers to itself")


def _names(named: Sequence[tuple[str, ConfigObj]]) -> list[str]:
    """Every remote that a file has a section of."""
    sections = {str(name) for _, config in named for name in config.sections}
    found = (name.strip().removeprefix("remote").strip().strip('"') for name in sections if name.startswith("remote"))
    return sorted({name for name in found if name})
