"""One place has one name, and no name says who may go there."""

from __future__ import annotations

import pytest
from openlineage_schemas import URI

from dataops.lineage.exports import places
from dataops.lineage.exports.places import Place


@pytest.mark.parametrize(
    "url",
    [
        "https://host.org/team/repo",
        "https://host.org/team/repo.git",
        "https://host.org/team/repo/",
        "https://me:pa55@host.org/team/repo.git",
        "https://ghp_t0ken@host.org/team/repo.git",
        "https://host.org/team/repo.git?access_token=s3cret",
        "git@host.org:team/repo.git",
        "host.org:team/repo.git",
        "ssh://git@host.org:2222/team/repo.git",
        "git://host.org/team/repo",
    ],
)
def test_however_a_clone_reaches_it(url: str) -> None:
    """A repository has one address on the web."""
    assert places.repository(url) == places.namespace(url) == "https://host.org/team/repo"


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("/srv/git/toy.git", "toy"),
        ("../other", "other"),
        ("C:\\work\\toy", "toy"),
        ("file:///srv/toy.git/", "toy"),
        ("", "repository"),
        ("https://[broken", "[broken"),
    ],
)
def test_a_folder_goes_by_its_name(url: str, name: str) -> None:
    """Where it lies on this machine is nobody's business."""
    assert places.repository(url) is None
    assert places.namespace(url) == name


@pytest.mark.parametrize(
    "url", ["https://hö st.org/tëam/re po", "https://host:8443/a/b", "https://[::1]/r", "git@host.org:tëam/re po.git"]
)
def test_an_address_is_a_uri(url: str) -> None:
    """Whatever characters somebody's remote has."""
    found = places.repository(url)
    assert found is not None
    assert URI.fullmatch(found)


@pytest.mark.parametrize(
    ("address", "place"),
    [
        ("s3://bucket/some/key.csv", Place("s3://bucket", "some/key.csv")),
        ("S3://key:secret@bucket/x", Place("s3://bucket", "x")),
        ("s3://bucket/part#1.csv", Place("s3://bucket", "part#1.csv")),
        ("s3://bucket", Place("s3://bucket", "/")),
        ("https://me:pa55@host.org:8443/d.csv", Place("https://host.org:8443", "d.csv")),
        ("https://host.org/d.csv?year=2024", Place("https://host.org", "d.csv?year=2024")),
        ("https://host.org/d.csv?X-Amz-Signature=abc&X-Amz-Expires=60", Place("https://host.org", "d.csv")),
        ("https://acc.blob.net/c/d?sv=1&sig=abc", Place("https://acc.blob.net", "c/d")),
        ("remote://storage/x", Place("remote://storage", "x")),
        ("/mnt/share/d.csv", Place("file", "/mnt/share/d.csv")),
        ("file:///mnt/d.csv", Place("file", "/mnt/d.csv")),
        ("http://me:pa55@[broken/x", Place("http", "[broken/x")),
    ],
)
def test_data_elsewhere(address: str, place: Place) -> None:
    """By OpenLineage's naming rules, where there is one; without passwords and signatures."""
    assert places.external(address) == place


def test_data_of_the_repository() -> None:
    """Count from git's top, wherever the DVC root lies; what is outside is a file of the machine."""
    assert places.inside("n", "", "data/raw") == Place("n", "data/raw")
    assert places.inside("n", "teams/a", "data/raw") == Place("n", "teams/a/data/raw")
    assert places.inside("n", "teams/a", "../b/data") == Place("n", "teams/b/data")
    assert places.inside("n", "", "../shared/d.csv") == Place("file", "../shared/d.csv")
    assert places.inside("n", "a", "s3://b/k") == Place("s3://b", "k")


@pytest.mark.parametrize("address", ["s3://bucket/päth x", "/srv/dvc store", "..\\x", "https://u:p@h/x?sig=1"])
def test_a_source_is_a_uri(address: str) -> None:
    """A bucket, or a folder of this machine."""
    assert URI.fullmatch(places.uri(address))
    assert "u:p" not in places.uri(address)
