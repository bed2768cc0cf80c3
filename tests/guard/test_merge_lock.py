"""dvc.lock merged by stage: text in, text out; and then by real git."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from dataops.errors import DataOpsError
from dataops.guard.merge import blocks
from dataops.guard.merge.mergelock import merge

HEAD = "schema: '2.0'\nstages:\n"


def stage(name: str, digest: str = "a", dep: str = "", cmd: str = "run", indent: str = "  ") -> str:
    """A stage as DVC writes it; `digest` and `dep` (PATH=letter) are one letter each."""
    lines = [f"{name}:", f"  cmd: {cmd}"]
    if dep:
        path, _, letter = dep.partition("=")
        lines += ["  deps:", f"  - path: {path}", "    hash: md5", f"    md5: {letter * 32}"]
    lines += ["  outs:", f"  - path: {name}.csv", "    hash: md5", f"    md5: {digest * 32}", "    size: 3"]
    return "".join(f"{indent}{line}\n" for line in lines)


def lock(*stages: str) -> str:
    """A lock of them."""
    return HEAD + "".join(stages)


def merged(base: str, ours: str, theirs: str, conflict: bool = False, **more: bool) -> str:
    """The text that comes of three; a conflict only where one is expected."""
    found = merge(base.encode(), ours.encode(), theirs.encode(), "dvc.lock", **more)
    assert found.conflict == conflict, found.said
    yaml.safe_load(found.content)
    return found.content.decode()


def test_independent_stages() -> None:
    """One side changes one stage, the other another: both, and every byte as DVC wrote it."""
    base = lock(stage("one"), stage("two"), stage("three"))
    ours = lock(stage("one", "b"), stage("two"), stage("three"))
    theirs = lock(stage("one"), stage("two"), stage("three", "c"))
    assert merged(base, ours, theirs) == lock(stage("one", "b"), stage("two"), stage("three", "c"))


def test_added_and_deleted() -> None:
    """Stages that either side added are there, theirs after what they followed; those that either took away aren't."""
    base = lock(stage("one"), stage("two"), stage("three"))
    ours = lock(stage("one"), stage("two"), stage("mine"))
    theirs = lock(stage("one"), stage("other"), stage("three"))
    assert merged(base, ours, theirs) == lock(stage("one"), stage("other"), stage("mine"))


def test_conflict() -> None:
    """A stage that both changed: HEAD's is kept, the rest is merged, and it is said which, and the way on."""
    base, ours = lock(stage("one"), stage("two")), lock(stage("one", "b"), stage("two"), stage("four"))
    theirs = lock(stage("one", "c"), stage("two", "d"))
    assert merged(base, ours, theirs, conflict=True) == lock(stage("one", "b"), stage("two", "d"), stage("four"))
    (said,) = merge(base.encode(), ours.encode(), theirs.encode(), "sub/dvc.lock").said
    assert said.startswith("changed on both sides: one; what HEAD records of it is kept")
    assert "`dvc repro`, `git add sub/dvc.lock`, `git commit`" in said


def test_changed_here_deleted_there() -> None:
    """What one side deleted and the other changed is kept, and is a conflict: nothing is lost unsaid."""
    base, less = lock(stage("one"), stage("two")), lock(stage("two"))
    more = lock(stage("one", "b"), stage("two"))
    assert merged(base, less, more, conflict=True) == more
    assert merged(base, more, less, conflict=True) == more


def test_same_change_on_both_sides() -> None:
    """Is none that conflicts, even where the text differs."""
    other = stage("one", "b").replace("cmd: run", 'cmd: "run"')
    ours = lock(stage("one", "b"))
    assert merged(lock(stage("one")), ours, lock(other)) == ours


def test_stale_downstream_is_said() -> None:
    """Clean as it is, `two` was made from theirs' older data: a warning that names it, no conflict."""
    base = lock(stage("one"), stage("two", dep="one.csv=a"))
    ours = lock(stage("one", "b"), stage("two", dep="one.csv=a"))
    theirs = lock(stage("one"), stage("two", "c", dep="one.csv=a"))
    found = merge(base.encode(), ours.encode(), theirs.encode(), "dvc.lock")
    assert not found.conflict
    assert found.said == ("two was recorded with data that the other side has made anew: `dvc repro`, then commit",)


@pytest.mark.parametrize(
    "cmd",
    [
        "'it''s: # odd'",
        '"a\\n\\n  b"',
        "|-\n        first\n\n        second",
        "größer",
        '"\\u2028"',
        "long " * 30 + "\n      folded",
    ],
)
def test_any_command(cmd: str) -> None:
    """However DVC had to write a command, untouched stages keep it, byte for byte."""
    base, ours = lock(stage("one", cmd=cmd), stage("two")), lock(stage("one", cmd=cmd), stage("two", "b"))
    theirs = lock(stage("one", "c", cmd=cmd), stage("two"))
    assert merged(base, ours, theirs) == lock(stage("one", "c", cmd=cmd), stage("two", "b"))


def test_line_ends() -> None:
    """CRLF stays CRLF; where only the other side has it, ours decides."""
    base, ours, theirs = lock(stage("a")), lock(stage("a"), stage("b")), lock(stage("a", "x"))
    wanted = lock(stage("a", "x"), stage("b"))
    crlf = [text.replace("\n", "\r\n") for text in (base, ours, theirs, wanted)]
    assert merged(*crlf[:3]) == crlf[3]
    assert merged(base, ours, crlf[2]) == wanted
    assert merged(base, ours.removesuffix("\n"), theirs) == wanted


def test_schemas() -> None:
    """DVC 1 has the stages at top level: alone it stays so, with a lock of DVC 2 it becomes one."""
    old = [stage("one", indent=""), stage("two", indent="")]
    assert merged("".join(old), old[0] + stage("two", "b", indent=""), stage("one", "c", indent="") + old[1]) == (
        stage("one", "c", indent="") + stage("two", "b", indent="")
    )
    base, theirs = "".join(old), stage("one", "c", indent="") + old[1]
    assert merged(base, lock(stage("one"), stage("two", "b")), theirs) == lock(stage("one", "c"), stage("two", "b"))
    assert merged(base, theirs, lock(stage("one"), stage("two", "b"))) == lock(stage("one", "c"), stage("two", "b"))


def test_datasets_and_empty_sections() -> None:
    """What `dvc ds` records is merged by name; sections without entries are written as DVC writes them."""
    head, one, two = "schema: '2.0'\ndatasets:\n", "- name: a\n  url: s3://x/y\n", "- name: b\n  url: s3://x/z\n"
    assert merged(f"{head}stages: {{}}\n", f"{head}{one}stages: {{}}\n", f"{head}{two}stages: {{}}\n") == (
        f"{head}{two}{one}stages: {{}}\n"
    )
    changed = one.replace("y", "q")
    assert merged(f"{head}{one}", f"{head}{changed}", f"{head}{one}{two}") == f"{head}{changed}{two}"
    assert merged("", lock(stage("a")), lock(stage("b"))) == lock(stage("b"), stage("a"))
    assert merged(lock(stage("a")), "schema: '2.0'\nstages: {}\n", lock(stage("a"))) == "schema: '2.0'\nstages: {}\n"


@pytest.mark.parametrize(
    "broken",
    [
        "<<<<<<< ours\n",
        "a: [",
        "a: &x [*x]\n",
        "- list\n",
        "schema: '2.0'\nstages: 3\n",
        "schema: '2.0'\nstages: {one: {cmd: x}, two: {cmd: y}}\n",
        "\xff",
    ],
)
def test_broken_side(broken: str) -> None:
    """A side that DVC didn't write is left to git's text merge; a broken ancestor is none."""
    good, content = lock(stage("one")), broken.encode("latin-1")
    for our, their in ((content, good.encode()), (good.encode(), content)):
        with pytest.raises(DataOpsError):
            merge(good.encode(), our, their, "dvc.lock")
    found = merge(content, good.encode(), lock(stage("two")).encode(), "dvc.lock")
    assert found.content.decode() == lock(stage("two"), stage("one"))


def test_virtual_ancestor() -> None:
    """Of a merge base that git makes of two, what both changed is left out: it stays a conflict of the real merge."""
    base, ours, theirs = lock(stage("a"), stage("b")), lock(stage("a", "x"), stage("b")), lock(stage("a", "y"))
    assert merged(base, ours, theirs, conflict=True, virtual=True) == HEAD.replace("stages:", "stages: {}")


NAMES = st.sampled_from(["a", "b", "c", "d", "build@eu-1", "größe"])
LOCKS = st.dictionaries(NAMES, st.sampled_from("xyz"), max_size=6)


@settings(max_examples=300, deadline=None)
@given(LOCKS, LOCKS, LOCKS)
def test_three_way(base: dict[str, str], ours: dict[str, str], theirs: dict[str, str]) -> None:
    """By value it is the three-way merge of each stage; and swapping the sides changes nothing but the conflicts."""
    texts = [
        lock(*(stage(name, digest) for name, digest in side.items()))
        if side
        else HEAD.replace(":\n", ": {}\n", 2).replace("schema: {}", "schema:")
        for side in (base, ours, theirs)
    ]
    texts = [text if "stages: {}" not in text else "schema: '2.0'\nstages: {}\n" for text in texts]
    found = merge(*(text.encode() for text in texts), "dvc.lock")
    back = merge(*(texts[place].encode() for place in (0, 2, 1)), "dvc.lock")
    assert found.conflict == back.conflict
    stages = blocks.parse(found.content, "merged").stages
    for name in {*base, *ours, *theirs}:
        was, mine, other = base.get(name), ours.get(name), theirs.get(name)
        now = stages[name].text if name in stages else None
        wanted = mine if mine == other or other == was else other if mine == was else mine or other
        assert now == (stage(name, wanted) if wanted else None)
    if not found.conflict:
        assert yaml.safe_load(found.content) == yaml.safe_load(back.content)
