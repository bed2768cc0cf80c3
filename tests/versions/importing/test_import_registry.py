"""A registry of files named by version becomes versions: three names, ten versions, one missing, one changed since."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from toy import Toy

SHAPES = ("files", "lists", "mappings")


def registry(toy: Toy, shape: str = "files") -> None:
    """As the script left it."""
    folder = toy.path / "data/versions"
    folder.mkdir(parents=True)
    (toy.path / "data/versions/.gitignore").write_text("*\n")
    names: dict[str, list[dict[str, Any]]] = {}
    for name, count, suffix in (("movies", 5, "csv"), ("ratings.json", 3, "json"), ("stores", 2, "csv")):
        for number in range(count):
            version = f"v1.{number}" if name != "stores" else f"2024010{number + 1}_120000"
            file = folder / f"{name.partition('.')[0]}_{version}.{suffix}"
            content = f"id,title\n{number},{name}\n" if suffix == "csv" else json.dumps([{"id": number}])
            file.write_text(content)
            kind = hashlib.md5 if number % 2 else hashlib.sha256
            names.setdefault(name, []).append(
                {
                    "version": version,
                    "path": f"data/versions/{file.name}",
                    "checksum": kind(content.encode()).hexdigest(),
                    "size": len(content),
                    "description": f"{name} number {number}",
                    "created_at": f"2024-01-0{number + 1}T12:00:00",
                }
            )
    (folder / "movies_v1.2.csv").unlink()
    (folder / "movies_v1.3.csv").write_text("id,title\n3,MOVIES\n")
    found: Any = {"files": {name: {"versions": listed, "latest": "v1.1"} for name, listed in names.items()}}
    if shape == "lists":
        found = names
    if shape == "mappings":
        found = {name: {one["version"]: one for one in listed} | {"latest": "v1.1"} for name, listed in names.items()}
    (toy.path / "data_registry.json").write_text(json.dumps(found))
    toy.commit("the registry")


@pytest.mark.parametrize("shape", SHAPES)
def test_three_names_ten_versions(toy: Toy, shape: str) -> None:
    """Eight become versions with description and time; the missing one and the changed one are named."""
    registry(toy, shape)
    dry = toy.dataops("import", "registry", "data_registry.json", "--dry-run", status=1).stdout
    done = toy.dataops("import", "registry", "data_registry.json", status=1).stdout
    for said in (dry, done):
        assert "left out: movies@v1.2: its file data/versions/movies_v1.2.csv is missing" in said
        assert "left out: movies@v1.3: data/versions/movies_v1.3.csv was changed since" in said
    assert (
        toy.tags()
        == toy.tags(remote=True)
        == sorted(
            [
                f"{name}@v1.{number}.0"
                for name, count in (("movies", 5), ("ratings", 3), ("stores", 2))
                for number in range(count)
                if (name, number) not in (("movies", 2), ("movies", 3))
            ]
        )
    )
    shown = toy.json("show", "movies@v1.1")
    assert shown["message"] == "movies number 1"
    assert str(shown["date"]).startswith("2024-01-02T12:00:00")
    assert toy.json("show", "stores@20240102_120000")["version"] == "v1.1.0"
    toy.dataops("get", "movies@v1.4", "--out", "got")
    assert (toy.path / "got/movies.csv").read_text() == "id,title\n4,movies\n"
    again = toy.dataops("import", "registry", "data_registry.json", "--allow-damaged", "movies@v1.3", status=1).stdout
    assert "movies@v1.3.0" in again
    assert toy.json("show", "movies@v1.3")["card"]["overrides"][0]["found"].startswith("data/versions/movies_v1.3.csv")


def test_some_names(toy: Toy) -> None:
    """--name takes these alone; one that isn't there is an error that lists those that are."""
    registry(toy)
    toy.dataops("import", "registry", "data_registry.json", "--name", "stores", "ratings.json", "--no-push")
    assert {tag.partition("@")[0] for tag in toy.tags()} == {"ratings", "stores"}
    assert toy.tags(remote=True) == []
    done = toy.dataops("import", "registry", "data_registry.json", "--name", "shops", status=2)
    assert "it has movies, ratings, stores" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "no JSON object"),
        ("{", "no JSON object"),
        ("{}", "lists no versions"),
        ('{"a": 1}', "lists no versions"),
        ('{"files": {"../x/..": {"versions": [{"version": "v1", "path": "x"}]}}}', "can't name an artifact"),
        ('{"a.csv": [{"version": "v1", "path": "x"}], "a.json": []}', "would be one artifact"),
    ],
)
def test_no_registry(toy: Toy, text: str, said: str) -> None:
    """One line each."""
    (toy.path / "data_registry.json").write_text(text)
    done = toy.dataops("import", "registry", "data_registry.json", "--dry-run", status=2)
    assert said in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_a_path_that_leads_out(toy: Toy) -> None:
    """A registry can't have /etc/passwd stored on the team's remote."""
    entry = {"version": "v1.0", "path": "/etc/passwd"}
    (toy.path / "data_registry.json").write_text(json.dumps({"files": {"users": {"versions": [entry]}}}))
    done = toy.dataops("import", "registry", "data_registry.json", status=1)
    assert "lies outside" in done.stdout
    assert toy.tags() == []
