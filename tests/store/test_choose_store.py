"""Which remote a repository's configuration names; what can't be used says so only when it is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataops.errors import DataOpsError
from dataops.store import cache
from dataops.store.choose import for_config, for_root
from dataops.store.objects import Object

OBJ = Object("0" * 32)


def repository(path: Path, text: str, local: str = "") -> Path:
    """A .dvc folder with these files."""
    (path / ".dvc").mkdir(parents=True)
    (path / ".dvc/config").write_text(text)
    if local:
        (path / ".dvc/config.local").write_text(local)
    return path


def remote(url: str, *more: str) -> str:
    """A configuration with one default remote."""
    return "\n".join(["[core]", "    remote = main", "['remote \"main\"']", f"    url = {url}", *more]) + "\n"


@pytest.mark.parametrize(
    ("url", "kind", "uri"),
    [
        ("s3://bucket/pre/fix/", "s3", "s3://bucket/pre/fix/files/md5/00/" + "0" * 30),
        ("s3://bucket", "s3", "s3://bucket/files/md5/00/" + "0" * 30),
        ("https://remote.example.org/x", "http", "https://remote.example.org/x/files/md5/00/" + "0" * 30),
        ("/srv/data", "folder", "/srv/data/files/md5/00/" + "0" * 30),
    ],
)
def test_kinds(tmp_path: Path, url: str, kind: str, uri: str) -> None:
    """S3, a web server, a folder."""
    store = for_root(repository(tmp_path, remote(url)))
    assert (store.kind, store.uri(OBJ)) == (kind, uri)
    assert for_config(remote(url)).uri(OBJ) == uri


def test_relative_folders_count_from_the_configuration(tmp_path: Path) -> None:
    """As DVC counts them: from .dvc."""
    root = repository(tmp_path / "repo", remote("../../shared"))
    assert for_root(root).url == str(tmp_path / "shared")
    with pytest.raises(DataOpsError, match="another machine"):
        for_config(remote("../../shared")).head(OBJ)


@pytest.mark.parametrize("url", ["gs://bucket/x", "azure://x", "ssh://host/x", "s3://replace-me/dvc"])
def test_what_is_not_spoken_here_says_so_when_it_is_needed(tmp_path: Path, url: str) -> None:
    """Not before: the cache may have everything."""
    store = for_root(repository(tmp_path, remote(url)))
    assert store.kind == "none"
    with pytest.raises(DataOpsError) as error:
        store.head(OBJ)
    assert error.value.hint


def test_versioned_and_absent_remotes(tmp_path: Path) -> None:
    """Cloud versioning keeps no objects by hash; a repository may have no remote at all."""
    with pytest.raises(DataOpsError, match="version id"):
        for_config(remote("s3://bucket/x", "    version_aware = true")).head(OBJ)
    with pytest.raises(DataOpsError, match="no default remote"):
        for_root(repository(tmp_path, "[core]\n    analytics = false\n")).head(OBJ)


def test_named_and_referring_remotes(tmp_path: Path) -> None:
    """config.local's options count, `remote://` is followed, an unknown name is answered with the known ones."""
    text = remote("s3://bucket/x") + "['remote \"sub\"']\n    url = remote://main/below\n"
    root = repository(
        tmp_path, text, "['remote \"main\"']\n    endpointurl = http://127.0.0.1:1\n    region = eu-west-1\n"
    )
    store = for_root(root, "sub")
    assert store.url == "s3://bucket/x/below"
    assert store.remote.endpoint_url == "http://127.0.0.1:1"  # type: ignore[attr-defined]
    with pytest.raises(DataOpsError, match="no remote other") as error:
        for_root(root, "other")
    assert error.value.hint.endswith("main, sub")


def test_the_cache_is_where_dvc_has_it(tmp_path: Path) -> None:
    """cache.dir, relative to its file's folder, config.local before config."""
    assert cache.of(repository(tmp_path / "a", "")).folder == tmp_path / "a/.dvc/cache"
    assert cache.of(repository(tmp_path / "b", "[cache]\n    dir = ../../c\n")).folder == tmp_path / "c"
    one = repository(tmp_path / "d", "[cache]\n    dir = ../../c\n", "[cache]\n    dir = /srv/cache\n")
    assert cache.of(one).folder == Path("/srv/cache")


@pytest.mark.parametrize("digest", ["", "x", "../../etc", "A" * 32, "0" * 31, "0" * 32 + ".DIR"])
def test_digests_that_are_none(digest: str) -> None:
    """A lock file that somebody wrote by hand leads nowhere."""
    with pytest.raises(DataOpsError):
        Object(digest)
    with pytest.raises(DataOpsError, match="etag"):
        Object("0" * 32, "etag")
