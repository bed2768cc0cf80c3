"""What a commit records, compared with what DVC itself says of the same checkout."""

from __future__ import annotations

import json
import posixpath

import pytest
from tagrepo import TagRepo, plant

from dataops.errors import DataOpsError
from dataops.repo import hashes, recorded, registry, scanned
from dataops.repo.recorded import Snapshot

PIPELINE = """
vars:
  - more.yaml:folders
  - kinds: {a: {ext: csv}, b: {ext: txt}}
stages:
  make:
    cmd: mkdir -p data/raw && echo 1 > data/raw/x.csv && echo 2 > note.json
    outs:
      - data/raw
      - note.json: {cache: false}
  each:
    foreach: [eu, us]
    do:
      cmd: cp data/raw/x.csv out-${item}.csv && echo ${item} > ${folders.metrics}/${item}.json
      deps: [data/raw/x.csv]
      outs:
        - out-${item}.csv
      metrics:
        - ${folders.metrics}/${item}.json: {cache: false}
  named:
    foreach: ${kinds}
    do:
      wdir: work/${key}
      cmd: cp ../../out-eu.csv result.${item.ext}
      deps: [../../out-eu.csv]
      params:
        - ../../params.yaml: [lr]
      outs:
        - result.${item.ext}: {push: false}
  grid:
    matrix:
      size: [1, 2]
      what: [{n: x}, {n: y}]
    cmd: echo ${item.size} > grid-${item.size}-${item.what.n}.csv
    outs:
      - grid-${item.size}-${item.what.n}.csv: {cache: false, persist: true}
artifacts:
  raw:
    path: data/raw
    type: dataset
    desc: what came
    labels: [a, b]
    meta: {gates: []}
  ${folders.metrics}-notes:
    path: note.json
"""


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> TagRepo:
    """Every way of DVC's to record something, in a subfolder of a git repository."""
    repo = plant(tmp_path_factory.mktemp("recorded") / "git")
    top = TagRepo(repo.path / "project")
    top.path.mkdir()
    outside = repo.path.parent / "outside.csv"
    outside.write_text("x\n")
    top.dvc("init", "--subdir")
    top.write("params.yaml", "lr: 1e-05\nitems: [1]\n")
    top.write("more.yaml", "folders: {metrics: measured}\nunused: 1\n")
    top.write("dvc.yaml", PIPELINE)
    for folder in ("measured", "work/a", "work/b"):
        (top.path / folder).mkdir(parents=True)
    top.write("sub/dvc.yaml", "stages:\n  deep:\n    cmd: cp ../out-eu.csv deep.csv\n    deps: [../out-eu.csv]\n"
              "    outs: [deep.csv]\nartifacts:\n  deep: {path: deep.csv}\n")  # fmt: skip
    top.write("landing/2024/a.csv", "a\n")
    top.write("landing/b.csv", "b\n")
    top.dvc("add", "landing")
    top.dvc("import-url", str(outside), "imported.csv")
    top.dvc("repro", "-P")
    top.dvc("freeze", "sub/dvc.yaml:deep")
    top.commit("all of it")
    source = plant(repo.path.parent / "source")
    source.dvc("init")
    source.write("shared.csv", "s\n")
    source.dvc("add", "shared.csv")
    source.commit()
    top.dvc("import", str(source.path), "shared.csv", "-o", "shared.csv")
    top.commit("an import")
    return top


def read(repo: TagRepo, prefix: str = "") -> Snapshot:
    """The newest commit of the work tree around `repo`."""
    from dataops.repo import git

    return recorded.snapshot(git.of(repo.path), repo.run("git", "rev-parse", "HEAD"), prefix)


def test_as_dvc_says(many: TagRepo) -> None:
    """Stages, outputs, hashes, what is cached and pushed, dependencies: as DVC's own index has them."""
    from dvc.repo import Repo

    found = read(many, "project")
    with Repo(str(many.path)) as dvc:
        theirs, deps = {}, set()
        for stage in dvc.index.stages:
            folder = posixpath.relpath(stage.wdir, many.path)
            name = getattr(stage, "name", None)
            address = posixpath.relpath(stage.path, many.path) + (f":{name}" if name else "")
            for out in stage.outs:
                path = posixpath.normpath(posixpath.join(folder, out.def_path))
                facts = (out.hash_info.value, out.hash_name, out.use_cache, out.can_push, out.meta.size)
                theirs[path] = (*facts, out.meta.nfiles, address)
            for dep in stage.deps:
                if dep.hash_info.name == "md5" and type(dep).__name__ != "RepoDependency":
                    path = posixpath.normpath(posixpath.join(folder, dep.def_path))
                    deps.add((address, path, dep.hash_info.value))
    ours = {
        out.path: (out.digest, out.algorithm, out.cached, out.push, out.size, out.files, stage.address)
        for stage in found.stages
        for out in stage.outs
    }
    assert ours == theirs
    assert len(ours) == 16
    assert deps <= {(stage.address, dep.path, dep.digest) for stage in found.stages for dep in stage.deps}
    assert len(deps) > 5


def test_what_else_is_known(many: TagRepo) -> None:
    """Artifacts, imports, parameters, working directories, frozen stages, the way upstream."""
    found = read(many, "project")
    assert set(found.artifacts) == {"raw", "measured-notes", "sub:deep"}
    raw = found.artifacts["raw"]
    assert (raw.path, raw.type, raw.labels, raw.meta) == ("data/raw", "dataset", ("a", "b"), {"gates": []})
    assert found.artifacts["sub:deep"].path == "sub/deep.csv"
    assert found.artifacts["sub:deep"].declared_in == "sub/dvc.yaml"
    shared, imported = found.output("shared.csv"), found.output("imported.csv")
    assert shared
    assert (shared.url or "").endswith("/source")
    assert imported
    assert (imported.url or "").endswith("/outside.csv")
    stage = found.stage_of("work/a/result.csv")
    assert stage is not None
    assert stage.params == {"params.yaml": {"lr": 1e-05}}
    deep = found.stage_of("sub/deep.csv")
    assert deep is not None
    assert deep.frozen
    upstream = [one.address for one in found.ancestors(deep.address)]
    assert upstream == ["dvc.yaml:make", "dvc.yaml:each@eu", "sub/dvc.yaml:deep"]
    covering = found.covering("landing/2024/a.csv")
    assert covering
    assert covering.path == "landing"
    assert covering.stage == "landing.dvc"
    assert found.covering("elsewhere/x") is None
    assert found.ancestors("dvc.yaml:nothing") == ()


def test_hashes_of_artifacts(many: TagRepo) -> None:
    """Of versions without a card, out of dvc.lock: as the snapshot says."""
    for name in ("raw", "sub=deep", "measured-notes", "unknown"):
        many.tag(f"{name}@v1.0.0")
    found, tags = read(many, "project"), registry.read(TagRepo(many.path.parent).git)
    for name, expected in (("raw", "data/raw"), ("sub:deep", "sub/deep.csv"), ("measured-notes", "note.json")):
        out = found.output(expected)
        assert out is not None
        assert hashes.content_hashes(TagRepo(many.path.parent).git, tags.versions(name), "project") == [out.digest]
    assert hashes.content_hashes(TagRepo(many.path.parent).git, tags.versions("unknown"), "project") == [None]


def test_scan_in_doubt(repo: TagRepo) -> None:
    """The quick look at dvc.lock is only used where it is right: the same path as dependency, a stage that is gone."""
    digest = "0123456789abcdef0123456789abcdef"
    stale = f"  gone:\n    cmd: x\n    outs:\n    - path: d\n      hash: md5\n      md5: {'f' * 32}\n      size: 1\n"
    user = f"  b:\n    cmd: x\n    deps:\n    - path: d\n      hash: md5\n      md5: {'e' * 32}\n      size: 1\n"
    maker = f"  a:\n    cmd: x\n    outs:\n    - path: d\n      hash: md5\n      md5: {digest}\n      size: 1\n"
    for order in ((stale, user, maker), (maker, user, stale), (user, maker)):
        repo.commit(**{
            "dvc.yaml": "stages:\n  a: {cmd: x, outs: [d]}\n  b: {cmd: x, deps: [d]}\nartifacts:\n  d: {path: d}\n",
            "dvc.lock": "schema: '2.0'\nstages:\n" + "".join(order),
        })  # fmt: skip
        repo.tag(f"d@v1.0.{len(repo.run('git', 'tag').split())}")
    one = f"stages:\n  a:\n    cmd: x\n    outs: [{{path: d, md5: {digest}.dir}}]\n"
    repo.commit(**{"dvc.lock": "schema: '2.0'\n" + one})
    repo.tag("d@v2.0.0")
    (repo.path / "dvc.lock").unlink()
    repo.commit(**{"d.dvc": f"outs:\n- md5: {digest}\n  path: d\n", "dvc.yaml": "artifacts:\n  d: {path: d}\n"})
    repo.tag("d@v3.0.0")
    found = hashes.content_hashes(repo.git, registry.read(repo.git).versions("d"))
    assert found == [digest, digest, digest, f"{digest}.dir", digest]


def test_old_locks(repo: TagRepo) -> None:
    """dvc.lock 1.x has its stages at top level; a hash without `hash: md5` is of text with its line ends normalised."""
    repo.commit(**{
        "dvc.yaml": "stages:\n  a: {cmd: x, deps: [i], outs: [d, {m.json: {cache: false}}]}\n",
        "dvc.lock": "a:\n  cmd: [x, y]\n  deps:\n  - path: i\n    md5: aa\n  params:\n    params.yaml:\n      p: 1\n"
        "  outs:\n  - path: d\n    md5: bb.dir\n    size: 3\n    nfiles: 2\n  - path: m.json\n    md5: cc\n",
        "old.dvc": "md5: xx\nwdir: sub\ncmd: do it\nlocked: true\ndeps:\n- path: s3://bucket/x\n  etag: e1\n"
        "outs:\n- md5: dd\n  path: x.csv\n  cache: true\n  metric: false\n",
    })  # fmt: skip
    found = read(repo)
    out, metric, single = found.output("d"), found.output("m.json"), found.stage_of("sub/x.csv")
    assert out
    assert (out.digest, out.algorithm, out.size, out.files, out.cached) == (
        "bb.dir",
        "md5-dos2unix",
        3,
        2,
        True,
    )
    assert metric
    assert not metric.cached
    assert single
    assert (single.cmd, single.frozen, single.address) == ("do it", True, "old.dvc")
    assert [(d.path, d.digest, d.algorithm) for d in single.deps] == [("s3://bucket/x", "e1", "etag")]
    stage = found.stage_of("d")
    assert stage
    assert stage.cmd == "x\ny"
    assert stage.params == {"params.yaml": {"p": 1}}


def test_what_dvc_rarely_writes(repo: TagRepo) -> None:
    """External and cloud-versioned outputs, imports that were never downloaded, templates that can't be filled."""
    files = [{"relpath": "a", "md5": "1" * 32, "size": 1}, {"relpath": "b/c", "md5": "2" * 32, "size": 2}]
    repo.commit(**{
        "dvc.yaml": "vars: [missing.py]\nstages:\n  t:\n    foreach: ${items}\n    do:\n      cmd: x\n"
        "      outs: ['${dir}/${item}.csv', '${dir}/${item}.json': {cache: false}]\n",
        "dvc.lock": "schema: '2.0'\nstages:\n  t@1:\n    cmd: x\n    outs:\n    - {path: o/1.csv, hash: md5, md5: aa}\n"
        "    - {path: o/1.json, hash: md5, md5: bb}\n    - {path: 's3://b/k', etag: ee}\n  stale:\n    cmd: x\n"
        "    outs: [{path: s, md5: cc}]\n",
        "cloud.dvc": "outs:\n- path: cloud\n  hash: md5\n  files: " + json.dumps(files) + "\n",
        "later.dvc": "deps:\n- path: https://x/y\nouts:\n- path: later\n",
        "ds.dvc": "deps:\n- path: ds://things\nouts:\n- path: ds\n  md5: '12345678901234567890123456789012'\n",
        "nested/.dvc/config": "", "nested/x.dvc": "{[",
    })  # fmt: skip
    found = read(repo)
    cached = {out.path: out.cached for stage in found.stages for out in stage.outs}
    assert cached == {
        "o/1.csv": True, "o/1.json": False, "s3://b/k": False, "cloud": True, "later": False, "ds": True,
    }  # fmt: skip
    cloud, later, numeric = found.output("cloud"), found.output("later"), found.output("ds")
    assert cloud
    assert (cloud.digest[-4:], cloud.size, cloud.files) == (".dir", 3, 2)
    assert later
    assert later.digest == ""
    assert later.url == "https://x/y"
    assert numeric
    assert numeric.digest == "12345678901234567890123456789012"


HOSTILE = {
    "deep": b"a: " + b"[" * 100_000,
    "deep blocks": b"- " * 50_000,
    "aliases": b"a: &a [x, x, x, x, x, x, x, x, x]\n"
    + b"".join(b"%c: &%c [%b]\n" % (98 + i, 98 + i, b",".join([b"*%c" % (97 + i)] * 9)) for i in range(9)),
    "itself": b"a: &a\n  b: *a\n",
    "twice": b"stages: {}\nstages: {}\n",
    "nul": b"a: \0",
    "no text": b"a: \xff\xfe",
    "conflict": b"<<<<<<< HEAD\na: 1\n=======\na: 2\n>>>>>>> x\n",
    "a list": b"- 1\n",
    "wrong types": b"stages: [1]\n",
    "wrong stage": b"stages: {a: 3}\n",
    "no path": b"artifacts: {a: {type: x}}\n",
    "python": b"a: !!python/object/apply:os.system [x]\n",
    "long number": b"a: " + b"9" * 10_000,
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files(repo: TagRepo, case: str) -> None:
    """One line that names the file and the commit."""
    repo.write("sub/dvc.yaml", HOSTILE[case])
    commit = repo.commit()
    with pytest.raises(DataOpsError) as error:
        read(repo)
    assert f"sub/dvc.yaml at {commit[:7]}" in error.value.message
    assert "\n" not in error.value.message


def test_hostile_locks(repo: TagRepo) -> None:
    """The same of dvc.lock and .dvc files that are YAML and no record."""
    repo.write("dvc.yaml", "stages: {a: {cmd: x}}\n")
    for content in ("schema: '2.0'\nstages: {a: {outs: [{md5: x}]}}", "a: {outs: 3}", "schema: '2.0'\nstages: 3"):
        repo.write("dvc.lock", content)
        repo.commit()
        with pytest.raises(DataOpsError, match=r"dvc\.lock at"):
            read(repo)
    (repo.path / "dvc.lock").unlink()
    repo.write("x.dvc", "outs: {a: 1}")
    repo.commit()
    with pytest.raises(DataOpsError, match=r"x\.dvc at"):
        read(repo)


def test_no_commit(repo: TagRepo) -> None:
    """A commit that isn't here."""
    repo.commit()
    with pytest.raises(DataOpsError, match="is no commit"):
        recorded.snapshot(repo.git, "0" * 40)


@pytest.mark.parametrize("text", ["md5: {}\n", "x{}.dir", "{}f", "0{}", "'{}'", "etag: {}-2", "{} {}", "é{}é", "F{}G"])
def test_hashes_are_found_in_the_same_places_both_ways(text: str) -> None:
    """By the expression, and by the quick way that an index of ten thousand locks is made with."""
    content = text.format("a1" * 16, "b2" * 16).encode()
    assert scanned.digits(content) == {found[:32].encode() for found in scanned.hashes(content)}
