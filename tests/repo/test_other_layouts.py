"""What other people's repositories do differently: where DVC's root lies, how things are declared, what is missing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tagrepo import TagRepo

from dataops.errors import DataOpsError
from dataops.repo import clones, dvcroots, hashes, names, recorded, registry
from dataops.repo.git import Git
from dataops.repo.records import Source

MD5 = "0123456789abcdef0123456789abcdef"


def out(path: str, digest: str = MD5) -> str:
    """A .dvc file."""
    return f"outs:\n- md5: {digest}\n  hash: md5\n  path: {path}\n"


@pytest.fixture
def monorepo(repo: TagRepo) -> TagRepo:
    """Two DVC repositories in one git repository, each with the same artifact; GTO's tags count from git's top."""
    for team, letter in (("a", "a"), ("b", "b")):
        repo.write(f"teams/{team}/.dvc/config", "")
        repo.write(f"teams/{team}/data.dvc", out("data", letter * 32))
        repo.write(f"teams/{team}/models/churn/m.bin.dvc", out("m.bin", letter * 31 + "0"))
        repo.write(f"teams/{team}/models/churn/dvc.yaml", "artifacts: {churn: {path: m.bin}}\n")
        repo.write(f"teams/{team}/dvc.yaml", "artifacts: {dataset: {path: data}}\n")
    repo.commit()
    repo.tag("teams/a=dataset@v1.0.0")
    repo.tag("teams/a/models/churn=churn@v1.0.0")
    repo.tag("models/churn=churn@v3.0.0")  # as seen from teams/a
    return repo


def test_tags_count_from_gits_top_or_from_the_dvc_root(monorepo: TagRepo) -> None:
    """As `gto` and `dvc artifacts get` have it, and as somebody in the folder would write it."""
    known = registry.read(monorepo.git)

    def ask(asked: str) -> str | None:
        return names.resolve(monorepo.git, known, asked, "dataset", "teams/a").artifact

    assert ask("latest") == ask("teams/a:dataset@v1.0.0") == "teams/a:dataset"
    assert ask("models/churn:churn@v1.0.0") == ask("teams/a/models/churn=churn@latest") == "teams/a/models/churn:churn"
    assert ask("models/churn=churn@v3.0.0") == "models/churn:churn"
    versions = [version for name in sorted(known.artifacts) for version in known.versions(name)]
    assert hashes.content_hashes(monorepo.git, versions, "teams/a") == ["a" * 31 + "0", "a" * 31 + "0", "a" * 32]
    assert hashes.content_hashes(monorepo.git, versions[1:2], "teams/b") == [None]


def test_the_roots_of_a_commit(monorepo: TagRepo) -> None:
    """Every .dvc/config; what lies in an inner repository isn't the outer one's."""
    head = monorepo.git.commit_of("HEAD") or ""
    assert dvcroots.roots(monorepo.git, head) == ["teams/a", "teams/b"]
    assert recorded.snapshot(monorepo.git, head).stages == ()
    there = recorded.snapshot(monorepo.git, head, "teams/b")
    assert there.artifact("teams/b/models/churn:churn") == there.artifact("models/churn:churn")
    assert there.artifact("teams/a:dataset") is None


def test_the_content_belongs_to_somebody_else(repo: TagRepo) -> None:
    """`hash-…` of a model, asked of the dataset."""
    repo.commit(**{
        ".dvc/config": "", "m.dvc": out("m"), "d.dvc": out("d", "f" * 32),
        "dvc.yaml": "artifacts: {model: {path: m}, dataset: {path: d}}\n",
    })  # fmt: skip
    repo.tag("model@v1.0.0")
    repo.tag("dataset@v1.0.0")
    with pytest.raises(DataOpsError) as error:
        names.resolve(repo.git, registry.read(repo.git), f"hash-{MD5[:7]}")
    assert error.value.hint == "model@v1.0.0 has it"


def test_variables_of_python_and_missing_ones(repo: TagRepo) -> None:
    """One file that can't be read leaves the other variables as they are."""
    repo.write("conf.py", "import os\nname = 'x'\nN: int = 3\nbad = os.getcwd()\nclass Net:\n    depth = [4]\n"
               "    def __init__(self):\n        self.wide = True\n")  # fmt: skip
    repo.write("params.yaml", "out: build\n")
    repo.write("dvc.yaml", "vars: [conf.py, gone.yaml]\nstages:\n  one:\n    cmd: x\n"
               "    outs: ['${out}/${name}-${N}-${Net.depth[0]}-${Net.wide}.txt': {cache: false}]\n"
               "artifacts:\n  dataset: {path: '${out}/d'}\n")  # fmt: skip
    lock = (
        f"schema: '2.0'\nstages:\n  one:\n    cmd: x\n    outs:\n    - path: build/x-3-4-true.txt\n      md5: {MD5}\n"
    )
    found = recorded.snapshot(repo.git, repo.commit(**{"dvc.lock": lock}))
    assert [stage.outs[0].cached for stage in found.stages] == [False]
    assert found.artifacts["dataset"].path == "build/d"


def test_stages_that_never_ran(repo: TagRepo) -> None:
    """dvc.yaml has them, dvc.lock doesn't."""
    repo.write("sub/dvc.yaml", "stages:\n  fit: {cmd: x, outs: [m.bin], metrics: [../m.json: {cache: false}]}\n")
    found = recorded.snapshot(repo.git, repo.commit())
    assert found.unrecorded == {"sub/m.bin": "sub/dvc.yaml:fit", "m.json": "sub/dvc.yaml:fit"}


def test_artifacts_of_an_older_gto(repo: TagRepo) -> None:
    """artifacts.yaml counts where dvc.yaml doesn't say otherwise; any other file of that name is none."""
    repo.write(
        "artifacts.yaml", "rf: {path: ./models/rf, type: model, labels: [a]}\nvirtual: {type: x}\nd: {path: a}\n"
    )
    found = recorded.snapshot(repo.git, repo.commit(**{"dvc.yaml": "artifacts: {d: {path: b}}\n"})).artifacts
    assert {name: artifact.path for name, artifact in found.items()} == {"rf": "models/rf", "d": "b"}
    assert found["rf"].labels == ("a",)
    assert recorded.snapshot(repo.git, repo.commit(**{"artifacts.yaml": "- [\n"})).artifacts.keys() == {"d"}


def test_a_dvcfile(repo: TagRepo) -> None:
    """The stage without a name of DVC 0: its working directory counts from the file."""
    repo.write("sub/Dvcfile", f"cmd: make\nwdir: ..\nmd5: {MD5}\nouts:\n- cache: true\n  md5: {MD5}\n  path: model\n")
    (stage,) = recorded.snapshot(repo.git, repo.commit()).stages
    assert (stage.address, stage.outs[0].path, stage.outs[0].algorithm) == ("sub/Dvcfile", "model", "md5-dos2unix")


def test_where_an_import_is_from(repo: TagRepo) -> None:
    """`dvc import` by its `repo:`; import-url's URL is no repository."""
    dep = f"deps:\n- path: data/x\n  repo:\n    url: https://h/r\n    rev_lock: {'c' * 40}\n"
    url = "deps:\n- path: https://h/x\n  etag: e\n"
    commit = repo.commit(**{"a.dvc": dep + out("a"), "b.dvc": url + out("b"), "c.dvc": dep + "outs:\n- path: c\n"})
    found = recorded.snapshot(repo.git, commit)
    a, b, c = (found.output(name) for name in "abc")
    assert a is not None
    assert b is not None
    assert c is not None
    assert (a.imported, b.imported, c.imported) == (True, False, True)
    assert a.source == Source("https://h/r", "c" * 40, "data/x")
    assert (a.url, b.url) == ("https://h/r", "https://h/x")


class TestClones:
    """Somebody's repository by URL."""

    def test_a_state_that_may_be_old_is_said_to_be(self, repo: TagRepo, tmp_path: Path) -> None:
        """Once the server is gone; nothing is said while it answers."""
        repo.commit(a="1")
        told: list[str] = []
        url = f"file://{repo.path}"
        for _ in range(2):
            opened, _ = clones.repository(url, tmp_path / "cache", told.append)
        assert told == []
        os.utime(opened.folder / "HEAD", (1_700_000_000, 1_700_000_000))
        repo.path.rename(tmp_path / "away")
        clones.repository(url, tmp_path / "cache", told.append)
        assert told == [f"{url} can't be reached; this is what it was at 2023-11-14 22:13 UTC"]

    def test_a_branch_that_got_another_name(self, repo: TagRepo, tmp_path: Path) -> None:
        """HEAD follows it."""
        commit = repo.commit(a="1")
        clones.repository(f"file://{repo.path}", tmp_path / "cache")
        repo.run("git", "branch", "-m", "main", "trunk")
        assert clones.repository(f"file://{repo.path}", tmp_path / "cache")[0].commit_of("HEAD") == commit

    def test_contents_come_with_the_clone(self, repo: TagRepo, tmp_path: Path) -> None:
        """One request for all but large files, which come when they are asked for."""
        repo.run("git", "config", "uploadpack.allowFilter", "true")
        repo.write("large", os.urandom(6_000_000))
        repo.commit(**{"dvc.lock": "x"})
        opened, _ = clones.repository(f"file://{repo.path}", tmp_path / "cache")
        listed = opened.out("rev-list", "--objects", "--missing=print", "HEAD").splitlines()
        missing = [line[1:] for line in listed if line.startswith("?")]
        assert missing == [Git(repo.path).out("rev-parse", "HEAD:large")]
        assert len(opened.blob("HEAD", "large") or b"") == 6_000_000

    @pytest.mark.parametrize("url", ["https://u:hunter2@127.0.0.1:9/x", "https://u:hunt@er2@127.0.0.1:9/x"])
    def test_no_password_is_shown(self, url: str, tmp_path: Path) -> None:
        """Neither by us nor in git's own line."""
        with pytest.raises(DataOpsError) as error:
            clones.repository(url, tmp_path / "cache")
        assert "er2" not in str(error.value)
        assert "hunt" not in str(error.value)
