"""The whole story with the real DVC: releases, branches, a stash, a commit in between; after gc all is still there."""

from __future__ import annotations

import shutil

import pytest
from toy import Toy, month

GC = ("gc", "--remote", "--older-than", "0d", "--yes")


@pytest.mark.e2e
def test_every_release_still_verifies(toy: Toy) -> None:
    """`dvc gc`-like cleaning leaves every version, branch and stash whole, on the remote and for a colleague."""
    toy.dataops("release", "-m", "one")
    toy.put(m2024_04=month("2024-04"))
    toy.commit("april")
    toy.dataops("release", "-m", "two")

    toy.run("git", "switch", "-qc", "other")
    toy.put(m2024_05=month("2024-05", sales=9))
    toy.commit("on a branch", push=False)
    toy.run("git", "push", "-q", "origin", "other")
    toy.dvc("push", "-q")
    toy.run("git", "switch", "-q", "main")
    toy.dvc("checkout", "-q")

    toy.put(m2024_06=month("2024-06"))
    toy.run("git", "stash", "-q")
    toy.dvc("checkout", "-q")

    toy.put(m2024_07=month("2024-07", sales=70))
    toy.commit("never released")
    toy.dvc("push", "-q")
    toy.put(m2024_07="")
    toy.commit("taken back")
    toy.dvc("push", "-q")

    shown = toy.dataops("gc", "--older-than", "0d").stdout
    assert "2024-07.csv recorded in " in shown
    assert "nothing was removed" in shown
    before = {place["kind"]: place["unneeded"] for place in toy.json(*GC)["places"]}  # type: ignore[attr-defined]
    assert before["folder"] > 0
    assert before["s3"] > 0
    toy.dataops("verify", "--all", "--read-data")
    toy.run("git", "stash", "pop", "-q")
    toy.dvc("checkout", "-q")
    assert (toy.path / "data/dataset/test/2024-06.csv").is_file()

    shutil.rmtree(toy.path / ".dvc/cache")
    toy.run("git", "checkout", "-q", "--", ".")
    toy.dvc("fetch", "-q", "--all-tags", "--all-branches")
    again = {place["kind"]: place["unneeded"] for place in toy.json(*GC)["places"]}  # type: ignore[attr-defined]
    assert again["s3"] == 0
