"""Records that somebody wrote to mislead, to break or to leak: what is told is right, or a line says why not."""

from __future__ import annotations

import json
import sqlite3
import subprocess
from pathlib import Path

import pytest
from counted import calls
from tagrepo import TagRepo, plant

from dataops.cli import main
from dataops.lineage import index
from dataops.lineage.impact import impact
from dataops.lineage.trace import find, trace
from dataops.repo.git import Git
from dataops.versions.context import Context

DATA, MODEL = "a" * 32, "b" * 32
PIPELINE = """\
stages: {fit: {cmd: fit, deps: [x.csv], outs: [m], metrics: [{metrics.json: {cache: false}}]}}
artifacts: {model: {path: m, type: model}, dataset: {path: x.csv, type: dataset}}
"""


def lock(*deps: str, params: str = "{}", outs: str = f"{{path: m, md5: {MODEL}}}") -> str:
    """A dvc.lock of one stage."""
    read = ", ".join(deps or [f"{{path: x.csv, md5: {DATA}}}"])
    return f"schema: '2.0'\nstages: {{fit: {{cmd: fit, deps: [{read}], params: {params}, outs: [{outs}]}}}}\n"


@pytest.fixture
def repo(tmp_path: Path) -> TagRepo:
    """A dataset and a model of it, written by hand."""
    made = plant(tmp_path / "repo")
    files = {".dvc/config": "", "x.csv.dvc": f"outs: [{{path: x.csv, md5: {DATA}}}]\n", "dvc.yaml": PIPELINE}
    made.commit("first", **files, **{"dvc.lock": lock()})
    made.tag("dataset@v1.0.0")
    made.tag("model@v1.0.0")
    return made


def context(repo: TagRepo) -> Context:
    """As a command has it."""
    return Context(Git(repo.path), repo.path)


def told(
    repo: TagRepo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, *words: str, status: int = 0
) -> str:
    """What a command prints; its --json is such as any reader takes."""
    monkeypatch.chdir(repo.path)
    shown = []
    for options in ([], ["--json"]):
        with pytest.raises(SystemExit) as ended:
            main(["lineage", *words, *options])
        assert (ended.value.code or 0) == status, capsys.readouterr().err
        out = capsys.readouterr().out
        out.encode()
        assert not any(sign in out for sign in "\x1b\x07\x9b\u202e")
        shown.append(out)
    json.loads(shown[-1], parse_constant=lambda name: pytest.fail(name))
    return "".join(shown)


def test_a_path_of_another_repository_is_none_of_this(repo: TagRepo) -> None:
    """`dvc import` of somebody's x.csv has nothing to do with this repository's own x.csv."""
    source = {"url": "/somewhere", "rev_lock": "c" * 40}
    repo.write(
        "i/x.dvc", json.dumps({"deps": [{"path": "x.csv", "repo": source}], "outs": [{"path": "x", "md5": "d" * 32}]})
    )
    repo.write("dvc.yaml", PIPELINE.replace("[x.csv]", "[i/x]"))
    repo.commit("imported", **{"dvc.lock": lock(f"{{path: i/x, md5: {'d' * 32}}}")})
    here = context(repo)
    assert [step.address for step in trace(here, *find(here, "HEAD", "m")).steps] == ["i/x.dvc", "dvc.yaml:fit"]
    assert {ref for one in impact(here, here.resolve("dataset@v1.0.0")).reached for ref in one.refs}.isdisjoint(
        {"main"}
    )


def test_a_query_of_a_database_is_a_source(repo: TagRepo) -> None:
    """`dvc import-db` records no path."""
    asked = {"connection": "warehouse", "query": "SELECT 1"}
    repo.commit("db", **{"q.dvc": json.dumps({"deps": [{"db": asked}], "outs": [{"path": "q", "md5": DATA}]})})
    here = context(repo)
    (root,) = trace(here, *find(here, "HEAD", "q")).roots
    assert root.url == "db://warehouse/SELECT 1"


def test_contents_that_are_no_md5_reach_what_they_reach(repo: TagRepo) -> None:
    """ETags, and cloud-versioned folders, whose hash stands nowhere: their files' do."""
    files = f"[{{relpath: a, md5: {'1' * 32}}}, {{relpath: b, md5: {'2' * 32}}}]"
    repo.write("d.dvc", f"outs: [{{path: d, files: {files}}}]\n")
    repo.write("e.dvc", "outs: [{path: 's3://b/in', etag: abc-2}]\n")
    repo.write("dvc.yaml", PIPELINE.replace("[x.csv]", "[d, 's3://b/in']"))
    recorded = lock(f"{{path: d, files: {files}}}", "{path: 's3://b/in', etag: abc-2}")
    repo.commit("cloud", **{"dvc.lock": recorded})
    here = context(repo)
    for path in ("d", "s3://b/in"):
        assert [one.artifact for one in impact(here, here.resolve("HEAD"), path).reached] == ["model"]


def test_passwords_are_not_told(
    repo: TagRepo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In URLs of dependencies, outputs and imports, by user name alone or with a signature."""
    urls = ["s3://key:SECRET@b/in", "https://SECRET@h.example/x", "https://h.example/y?sig=SECRET"]
    repo.write(
        "dvc.yaml", PIPELINE.replace("[x.csv]", json.dumps(urls)).replace("outs: [m]", "outs: [m, 's3://k:SECRET@b/o']")
    )
    source = {"url": "https://SECRET@h.example/r.git", "rev_lock": "c" * 40}
    repo.write("i.dvc", json.dumps({"deps": [{"path": "x", "repo": source}], "outs": [{"path": "i", "md5": DATA}]}))
    deps = [f"{{path: '{url}', md5: {DATA}}}" for url in urls]
    outs = f"{{path: m, md5: {MODEL}}}, {{path: 's3://k:SECRET@b/o', md5: {DATA}}}"
    repo.commit("secret", **{"dvc.lock": lock(*deps, outs=outs)})
    for words in (
        ["trace", "HEAD"],
        ["diff", "model@v1.0.0", "HEAD"],
        ["graph", "HEAD"],
        ["impact", "HEAD", "--path", "i"],
    ):
        text = told(repo, capsys, monkeypatch, *words)
        assert "SECRET" not in text
    assert "h.example/x" in told(repo, capsys, monkeypatch, "trace", "HEAD")


HUGE = "9" * 400
CARDS = [
    {"data": [{"version": ["dataset@v1.0.0"], "hash": [DATA]}, 7], "training": {"job": "\x1b[31m", "rounds": [1]}},
    {"drift": {"drifted": True, "score": 1, "columns_drifted": 7}, "evaluation": {"model": {"wape": float("nan")}}},
    {"evaluation": {"model": {"wape": int(HUGE)}}, "training": {"backend": int(HUGE), "job": int(HUGE)}},
]


@pytest.mark.parametrize("card", CARDS)
def test_cards_with_anything_in_them(
    repo: TagRepo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, card: dict[str, object]
) -> None:
    """Lists where a text belongs, numbers that no float holds."""
    text = json.dumps({"format": 1, "type": "model", "hash": MODEL, **card}, indent=2)
    repo.commit("more")
    repo.tag("model@v2.0.0", message=f"x\n\n{text}\n")
    for words in (["list"], ["trace", "model@v2.0.0"], ["impact", "dataset@v1.0.0"], ["graph", "model@v2.0.0"]):
        told(repo, capsys, monkeypatch, *words)


def test_numbers_that_no_float_holds(
    repo: TagRepo, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A hexadecimal one that Python would not print makes the lock no valid YAML; in metrics they are none."""
    repo.write("metrics.json", f'{{"a": NaN, "b": 1e400, "c": {HUGE}, "d": 1, "\\ud800\\u001b": 3}}')
    repo.commit("one", **{"dvc.lock": lock(params="{params.yaml: {a: .nan, b: 1e400, c: null, d: [1, {e: .inf}]}}")})
    repo.tag("model@v1.1.0")
    repo.write("metrics.json", '{"a": NaN, "b": 1, "c": 1, "d": 2}')
    repo.commit("two", **{"dvc.lock": lock(params="{params.yaml: {a: .nan, c: 0x" + "f" * 5000 + "}}")})
    repo.tag("model@v1.2.0")
    told(repo, capsys, monkeypatch, "diff", "model@v1.1.0", "model@v1.0.0")
    told(repo, capsys, monkeypatch, "diff", "model@v1.1.0", "model@v1.2.0", status=1)  # nothing can be read of one
    here = context(repo)
    assert "a number of 5002 digits" in trace(here, *find(here, "HEAD")).warnings[0]


def test_names_of_refs_with_other_ends_of_lines(repo: TagRepo) -> None:
    """U+2028 and U+0085 end a line for Python, not for git; `x/HEAD` is a tag like any other."""
    for name in ("a\u2028b", "c\u0085d@v1.0.0", "x/HEAD"):
        repo.tag(name)
    repo.run("git", "branch", "e\u2028f")
    here = context(repo)
    (one,) = impact(here, here.resolve("dataset@v1.0.0")).reached
    assert {"a\u2028b", "c\u0085d@v1.0.0", "x/HEAD", "e\u2028f"} <= set(one.refs)


def test_an_author_that_takes_forever_to_read(repo: TagRepo) -> None:
    """A commit that git itself would never make; with a square of its length this test would end in a timeout."""
    tree = repo.run("git", "rev-parse", "HEAD^{tree}")
    text = f"tree {tree}\nauthor {'<' * 2_000_000} 1 +0000\ncommitter A <a> 1 +0000\n\nx\n"
    command = ["git", "hash-object", "-t", "commit", "-w", "--stdin", "--literally"]
    sha = subprocess.run(command, input=text.encode(), cwd=repo.path, capture_output=True, check=True).stdout
    here = context(repo)
    assert trace(here, *find(here, sha.decode().strip())).commit.author == ""


@pytest.mark.parametrize("records", ["x'0102'", "'text'"])
def test_an_index_with_somebody_elses_values(repo: TagRepo, records: str) -> None:
    """A sound database with nonsense in it is made again."""
    git = Git(repo.path)
    commits = [repo.run("git", "rev-parse", "HEAD")]
    assert index.mentioning(git, commits, [DATA]) == set(commits)
    (file,) = (repo.path / ".git/dataops").glob("*.sqlite")
    with sqlite3.connect(file) as database:
        database.execute(f"UPDATE holds SET records = {records}")
    database.close()
    assert index.mentioning(git, commits, [DATA]) == set(commits)
    assert index.mentioning(git, commits, [DATA]) == set(commits)


def test_a_record_that_is_not_here_is_asked_for_again(repo: TagRepo, tmp_path: Path) -> None:
    """The index remembers nothing of a blob that this clone lacked, as one that was damaged and fetched again."""
    git = Git(repo.path)
    commits = [repo.run("git", "rev-parse", "HEAD")]
    blobs = [repo.run("git", "rev-parse", f"HEAD:{name}") for name in ("dvc.lock", "x.csv.dvc")]
    objects = [repo.path / ".git/objects" / blob[:2] / blob[2:] for blob in blobs]
    for place in objects:
        place.rename(tmp_path / place.name)
    assert index.mentioning(git, commits, [DATA]) == set()
    for place in objects:
        (tmp_path / place.name).rename(place)
    assert index.mentioning(git, commits, [DATA]) == set(commits)


def test_two_thousand_stages_of_one_foreach(repo: TagRepo) -> None:
    """Each is found by its name, not by trying all: four times as many are not sixteen times the work."""

    def work(count: int) -> int:
        names = [f"s{place}" for place in range(count)]
        repo.write(
            "dvc.yaml", f"stages: {{g: {{foreach: [{', '.join(names)}], do: {{cmd: x, outs: ['${{item}}']}}}}}}\n"
        )
        stages = ", ".join(f"g@{name}: {{cmd: x, outs: [{{path: {name}, md5: {DATA}}}]}}" for name in names)
        repo.commit("many", **{"dvc.lock": f"schema: '2.0'\nstages: {{{stages}}}\n"})
        here = context(repo)

        def traced() -> None:
            assert len(trace(here, *find(here, "HEAD")).steps) == count + 1

        return calls(traced)

    assert work(2000) < 6 * work(500)


def test_a_model_in_a_folder_is_not_made_of_itself(tmp_path: Path) -> None:
    """Its tag counts from git's top, its dvc.yaml from the DVC root."""
    repo = plant(tmp_path / "repo")
    files = {".dvc/config": "", "x.csv.dvc": f"outs: [{{path: x.csv, md5: {DATA}}}]\n", "dvc.yaml": PIPELINE}
    repo.commit("first", **{f"teams/a/{name}": text for name, text in {**files, "dvc.lock": lock()}.items()})
    repo.tag("teams/a=model@v1.0.0")
    repo.tag("teams/a=dataset@v1.0.0")
    inner = Context(Git(repo.path), repo.path / "teams/a", "teams/a")
    for here in (inner, Context(Git(repo.path), None, "", whole=True)):
        assert trace(here, *find(here, "teams/a:model@v1.0.0")).versions == ("teams/a:dataset@v1.0.0",)
