"""The list of exclusions: kept with the care of the landing."""

from __future__ import annotations

import datetime as dt
import shutil

import pytest
from ingest_repo import call, dvc

from dataops import files
from dataops.errors import DataOpsError
from dataops.ingest import exclusions, recorded
from dataops.ingest.exclusions import FILE, ensure_exclusions, exclude, listed
from dataops.tables.exclusions import read_exclusions

HEADER = "store_id,product_id,date,reason,added"


def adopt(repo) -> None:
    """The contract gets another key, as after `dataops adopt`."""
    text = (repo / "params.yaml").read_text()
    text = text.replace("keys: [store_id, product_id]", "keys: [shop]").replace("store_id: {type", "shop: {type", 1)
    (repo / "params.yaml").write_text(text)


def test_rows_are_added_and_recorded(repo):
    """Empty cells mean any; quotes and commas survive; `validate` can read it; the record follows."""
    assert (repo / FILE).read_text() == HEADER + "\n"
    assert listed(repo) == []
    row = exclude(repo, {"store_id": "3", "date": "2024-01-31"}, 'closed, "for ever"')
    today = dt.datetime.now(dt.UTC).date().isoformat()
    assert (repo / FILE).read_text() == f'{HEADER}\n3,,2024-01-31,"closed, ""for ever""",{today}\n'
    assert recorded.read(repo, FILE).md5 == recorded.md5(repo / FILE)
    assert listed(repo) == [row]
    assert read_exclusions(repo / FILE)["reason"].tolist() == ['closed, "for ever"']
    with pytest.raises(DataOpsError, match="has this very row already"):
        exclude(repo, {"store_id": "3", "date": "2024-01-31"}, 'closed, "for ever"')


@pytest.mark.parametrize(
    ("values", "reason", "says"),
    [
        ({"shop": "3"}, "x", "shop is neither a key nor the time column"),
        ({"sales": "3"}, "x", "sales is neither"),
        ({"store_id": "three"}, "x", "'three' is no integer"),
        ({"date": "31.1."}, "x", "'31.1.' is no date"),
        ({"store_id": ""}, "x", "has no value"),
        ({"store_id": "3"}, " ", "--reason"),
        ({}, "x", "name at least one key"),
    ],
)
def test_what_is_refused(repo, values, reason, says):
    """One clear line, and the list as it was."""
    with pytest.raises(DataOpsError, match=says):
        exclude(repo, values, reason)
    assert (repo / FILE).read_text() == HEADER + "\n"


def test_it_is_restored_before_it_grows(repo):
    """A missing list comes from cache or remote; what cannot be restored or was changed here is refused."""
    exclude(repo, {"store_id": "1"}, "a")
    (repo / FILE).unlink()
    exclude(repo, {"store_id": "2"}, "b")
    assert [row["store_id"] for row in listed(repo)] == ["1", "2"]
    dvc(repo, "push", "-q")
    (repo / FILE).unlink()
    shutil.rmtree(repo / ".dvc/cache")
    assert len(listed(repo)) == 2
    (repo / FILE).write_text(f"{HEADER}\n")
    with pytest.raises(DataOpsError, match="is not as it was recorded"):
        exclude(repo, {"store_id": "3"}, "c")
    (repo / FILE).unlink()
    shutil.rmtree(repo / ".dvc/cache")
    shutil.rmtree(repo.parent / "remote")
    with pytest.raises(DataOpsError, match="neither here nor in the cache"):
        exclude(repo, {"store_id": "3"}, "c")
    with pytest.raises(DataOpsError, match="neither here nor in the cache"):
        ensure_exclusions(repo)


def test_after_adopt(repo):
    """A list without rows follows the contract; one with rows is an error that says what to do."""
    adopt(repo)
    ensure_exclusions(repo)
    assert (repo / FILE).read_text() == "shop,date,reason,added\n"
    assert recorded.read(repo, FILE).md5 == recorded.md5(repo / FILE)
    exclude(repo, {"shop": "7"}, "x")
    call(repo, "git", "checkout", "-q", "params.yaml")
    with pytest.raises(DataOpsError, match="has 1 rows under the columns shop, date") as caught:
        ensure_exclusions(repo)
    assert "dvc add data/exclusions.csv" in caught.value.hint


def test_without_params_there_is_nothing_to_do(repo):
    """A repository that isn't this template gets no list; `exclude` says why it can't."""
    (repo / "params.yaml").unlink()
    ensure_exclusions(repo)
    with pytest.raises(DataOpsError, match=r"params\.yaml is missing"):
        exclude(repo, {"a": "1"}, "x")


def test_killed_between_writing_and_recording(repo):
    """The next command records the row: an opt-out is never lost, and a hand-edited list is never taken for one."""
    exclusions.ensure_exclusions(repo)
    text = (repo / "data/exclusions.csv").read_text() + "1,1,,opted out,2024-01-01\n"
    files.write_text(repo / exclusions.JOURNAL, exclusions._md5(text))
    files.write_text(repo / "data/exclusions.csv", text)  # as `exclude` does, and here it is killed
    exclusions.check_exclusions(repo)
    assert recorded.read(repo, exclusions.FILE).md5 == recorded.md5(repo / "data/exclusions.csv")
    assert [row["reason"] for row in exclusions.listed(repo)] == ["opted out"]
    (repo / "data/exclusions.csv").write_text(text + "2,2,,by hand,\n")
    with pytest.raises(DataOpsError, match="not as it was recorded"):
        exclusions.check_exclusions(repo)
