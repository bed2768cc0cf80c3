"""How other people's tools name places: a repository by its address on the web, data by OpenLineage's naming rules.

One place has one name, however a clone reaches it: `git@host:team/repo.git` and `https://me:token@host/team/repo` are
`https://host/team/repo`. Nothing that names a place says who may go there.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from dataops.repo import clones
from dataops.repo.gittext import public

SHORT = re.compile(r"(?:[^/@:\s]+@)?(?P<host>[^/@:\s]{2,}):(?!//|:)(?P<path>\S.*)")  # git@host:team/repo.git
WEB = ("http", "https", "ssh", "git", "git+ssh", "git+https")
PLAIN = "/~+@,=;:"  # of what a path may hold beside letters, digits and ._-


@dataclass(frozen=True)
class Place:
    """A dataset's two names in OpenLineage."""

    namespace: str
    """Where it is: `s3://bucket`, `https://host/team/repo`."""
    name: str
    """Which one there: a key, a path."""


def harmless(text: str) -> str:
    """Text in which no URL has a user, a password or a signature."""
    return public(clones.shown(text)) if "://" in text else text


def repository(url: str) -> str | None:
    """A git repository's address on the web; None of a folder on some machine."""
    short = SHORT.fullmatch(url) if "://" not in url else None
    if short:
        host, path = short["host"], short["path"]
    else:
        try:
            parts = urlsplit(url)
            if parts.scheme.lower() not in WEB or not parts.hostname:
                return None
            port = f":{parts.port}" if parts.port and "http" in parts.scheme.lower() else ""
        except ValueError:
            return None
        host, path = parts.hostname + port, parts.path
    scheme = "http" if url.lower().startswith("http:") else "https"
    path = _quoted(path.strip("/").removesuffix(".git"), PLAIN + "%")
    return f"{scheme}://{_quoted(host, ':[]')}/{path}".rstrip("/")


def namespace(url: str) -> str:
    """What a repository's data and stages are called by: its address on the web, else its folder's name."""
    folder = posixpath.basename(url.replace("\\", "/").rstrip("/"))
    return repository(url) or folder.removesuffix(".git") or "repository"


def external(address: str) -> Place:
    """Data outside the repository, by its URL or absolute path."""
    if "://" not in address:
        return Place("file", address)
    try:
        parts = urlsplit(address, allow_fragments=address.lower().startswith("http"))
    except ValueError:  # brackets that are no address
        scheme, _, rest = harmless(address).partition("://")
        return Place(scheme, rest or "/")
    scheme, host = parts.scheme.lower(), parts.netloc.rpartition("@")[2]
    query = f"?{parts.query}" if parts.query else ""
    name = (parts.path.strip("/") or "/") + (query if public(query) == query else "")
    return Place("file", parts.path or "/") if scheme == "file" and not host else Place(f"{scheme}://{host}", name)


def inside(namespace: str, prefix: str, path: str) -> Place:
    """Data of the repository, counted from git's top; what lies outside it is a file of the machine."""
    if "://" in path or path.startswith("/"):
        return external(path)
    full = posixpath.normpath(posixpath.join(prefix, path))
    return Place("file", full) if full.startswith("../") else Place(namespace, full)


def uri(address: str) -> str:
    """An address as RFC 3986 has it; of a folder on this machine, file:///…"""
    text = _quoted(harmless(address), PLAIN + "%?&#[]()!$*'")
    return text if "://" in address else f"file://{text}" if text.startswith("/") else f"file:{text}"


def _quoted(text: str, safe: str) -> str:
    """With every other character as its UTF-8; what is none is a question mark's."""
    return quote(text, safe=safe, errors="replace")
