"""Two files side by side: what counts as the same, what as rounding, and what as different."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import lightgbm
import numpy as np
import pandas as pd
import pytest

from dataops.lineage.reproduction.equivalence import compare
from dataops.lineage.reproduction.tally import Likeness, relative

Pair = Callable[[str, bytes, bytes], Likeness]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    """Compares two contents under one name."""

    def compared(name: str, old: bytes, new: bytes, tolerance: float = 1e-6) -> Likeness:
        for side, content in (("old", old), ("new", new)):
            (tmp_path / side).mkdir(exist_ok=True)
            (tmp_path / side / name).write_bytes(content)
        return compare(tmp_path / "old" / name, tmp_path / "new" / name, name, tolerance)

    return compared


def parquet(frame: pd.DataFrame, **options: object) -> bytes:
    """As a file."""
    return frame.to_parquet(index=False, **options)


def tar(**members: bytes) -> bytes:
    """An archive that names the moment it was made."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in members.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("old", "new", "apart"),
    [(1.0, 1.0, 0), (0.0, -0.0, 0), (float("nan"), float("nan"), 0), (4.0, 3.0, 0.25), (-1.0, 1.0, 2),
     (0.0, 1e-17, 1e-8), (float("nan"), 1.0, float("inf")), (float("inf"), 1e308, float("inf")),
     (1e308, -1e308, float("inf"))],
)  # fmt: skip
def test_relative_difference(old: float, new: float, apart: float) -> None:
    """Of the greater of the two; near zero, of 1e-9."""
    assert relative(old, new) == pytest.approx(apart)


def test_parquet_counts_values_not_bytes(pair: Pair) -> None:
    """Other compression and dictionaries are the same values; a float may be rounded, an integer or a text may not."""
    frame = pd.DataFrame(
        {"n": [1, 2, 3], "x": [1.0, np.nan, 1e9], "s": ["a", "b", None], "t": pd.to_datetime(["2024-01-01"] * 3)}
    )
    same = pair("a.parquet", parquet(frame), parquet(frame, compression="gzip"))
    assert (same.verdict, same.how) == ("equivalent", "the same values in other bytes")
    coded = pair("a.parquet", parquet(frame), parquet(frame.astype({"s": "category"})))
    assert (coded.verdict, coded.values) == ("equivalent", 12)
    near = pair("a.parquet", parquet(frame), parquet(frame.assign(x=frame["x"] * (1 + 1e-9))))
    assert (near.verdict, near.differing, near.values) == ("equivalent", 2, 12)
    assert near.largest == pytest.approx(1e-9, rel=1e-3)
    for column, values in (("x", [1.0, 2.0, 1e9]), ("x", [1.1, np.nan, 1e9]), ("n", [1, 2, 4]), ("s", ["a", "b", "c"])):
        far = pair("a.parquet", parquet(frame), parquet(frame.assign(**{column: values})))
        assert (far.verdict, far.differing) == ("different", 1)
        assert f"1 of 12 values differ ({column})" in far.how


def test_parquet_of_another_shape(pair: Pair) -> None:
    """Columns, types, rows and their order are told."""
    frame = pd.DataFrame({"a": [1, 2], "b": [1.0, 2.0]})
    for other, said in (
        (frame.rename(columns={"b": "c"}), "no column b, column c is new"),
        (frame.astype({"a": float}), "a is double, was int64"),
        (frame.head(1), "1 rows, were 2"),
        (frame[["b", "a"]], "its columns are in another order"),
        (frame[::-1], "4 of 4 values differ (a, b)"),
    ):
        found = pair("x.parquet", parquet(frame), parquet(other))
        assert found.verdict == "different"
        assert said in found.how
    assert pair("x.parquet", parquet(frame), b"PAR1 nothing PAR1").verdict == "different"
    nested = pd.DataFrame({"a": [[1, 2], [3]], "b.c": [1.0, 2.0]})
    assert "1 of 4 values differ (a)" in pair("x.parquet", parquet(nested), parquet(nested.assign(a=[[1, 2], [4]]))).how


def test_csv_by_field(pair: Pair) -> None:
    """Quoted line ends are no rows; a text field is equal or not, a number in it may be rounded."""
    text = b'k;x;s\n1;0.5;"a\nb"\n2;1e-3;c\n'
    near = pair("a.csv", text, text.replace(b"0.5", b"0.5000000001").replace(b"1e-3", b"0.001"))
    assert (near.verdict, near.differing, near.values) == ("equivalent", 1, 6)
    for old, new, said in (
        (b"\n2;", b"\n3;", "1 of 6 values differ (k)"),
        (b";c", b";d", "(s)"),
        (b"2;1e-3;c\n", b"", "1 rows, were 2"),
        (b"k;x;s", b"k;y;s", "no column x, column y is new"),
    ):
        found = pair("a.csv", text, text.replace(old, new))
        assert found.verdict == "different"
        assert said in found.how
    assert pair("a.csv", text, b"\xff\xfe" + text).verdict == "different"
    assert pair("a.csv", b"1,2.0\n", b"1,2.0000000001\n").verdict == "equivalent"  # no header


def test_json_by_key(pair: Pair) -> None:
    """The order of keys and spaces are nothing; an integer is a count."""
    old = {"a": {"x": 0.1, "n": 3}, "l": [1.5, True, None, "t"]}
    same = pair("m.json", json.dumps(old).encode(), json.dumps(dict(reversed(old.items())), indent=2).encode())
    assert same.how == "the same values in other bytes"
    for change, verdict in (
        ({"a": {"x": 0.1 + 1e-12, "n": 3}}, "equivalent"), ({"a": {"x": 0.1, "n": 3.0000000001}}, "equivalent"),
        ({"a": {"x": 0.1, "n": 4}}, "different"), ({"a": {"x": 0.1}}, "different"),
        ({"l": [1.5, 1, None, "t"]}, "different"),
        ({"l": [1.5]}, "different"), ({"a": {"x": "0.1", "n": 3}}, "different"),
        ({"a": {"x": 10**400, "n": 3}}, "different"),
    ):  # fmt: skip
        assert pair("m.json", json.dumps(old).encode(), json.dumps(old | change).encode()).verdict == verdict, change
    assert pair("m.json", b"{}", b"[" * 100_000).verdict == "different"
    assert pair("m.json", b"[" * 900 + b"1" + b"]" * 900, b"[" * 900 + b"2" + b"]" * 900).verdict == "different"


def test_text_between_numbers_is_equal(pair: Pair) -> None:
    """Numbers as they stand in a text; what looks like one in a name or a hash is none."""
    assert pair("a.txt", b"loss: 0.25 (-1.5e-3)\n", b"loss: 0.2500000001 (-1.5e-3)\n").verdict == "equivalent"
    for old, new in ((b"run 7", b"run 8"), (b"loss 0.5", b"gain 0.5"), (b"1e999", b"2e999"), (b"id 3e8a", b"id 3e8b"),
                     (b"a\n", b"a\nb\n"), (b"v1.2.3", b"v1.2.30000000001"), (b"x\0", b"y\0")):  # fmt: skip
        assert pair("a.txt", old, new).verdict == "different", old
    model = b"tree\nversion=v4\ntree_sizes=%d 20\nleaf_value=%s\n[num_threads: %d]\n"
    near = pair("model.txt", model % (10, b"0.5", 2), model % (18, b"0.500000001", 8))
    assert (near.verdict, near.differing) == ("equivalent", 1)
    assert pair("other.txt", b"x\n[num_threads: 2]\n", b"x\n[num_threads: 8]\n").verdict == "different"


def test_a_model_of_lightgbm(pair: Pair) -> None:
    """Of the same data but for the last digits it is equivalent, in what it predicts by; of other data different."""
    random = np.random.default_rng(7)
    features = random.normal(size=(2000, 5))
    target = features @ np.arange(5) + random.normal(size=2000)
    settings = {
        "objective": "regression",
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
        "num_threads": 1,
    }

    def model(scale: float, **more: object) -> bytes:
        data = lightgbm.Dataset(features, target, init_score=features[:, 0] * scale)
        return lightgbm.train(settings | more, data, num_boost_round=30).model_to_string().encode()

    near = pair("model.txt", model(1), model(1 + 1e-9))
    assert near.verdict == "equivalent"
    assert 0 < near.largest < 1e-6
    assert pair("model.txt", model(1), model(1, num_threads=2)).how == "the same values in other bytes"
    assert pair("model.txt", model(1), model(1 + 1e-4)).verdict == "different"


def test_archives_member_by_member(pair: Pair) -> None:
    """Times are nothing; a model in a model archive may be rounded; damage and bombs are different, and that's all."""
    old = tar(model_txt=b"leaf 0.5\n", spec_json=b'{"a": 1}')
    near = pair("m.tar.gz", old, tar(spec_json=b'{"a":1}', model_txt=b"leaf 0.5000000001\n"))
    assert (near.verdict, near.differing) == ("equivalent", 1)
    far = pair("m.tar.gz", old, tar(model_txt=b"leaf 0.6\n", spec_json=b'{"a": 1}'))
    assert far.verdict == "different"
    assert "(model.txt line 1), largest relative difference 0.17" in far.how
    assert "no spec.json" in pair("m.tar.gz", old, tar(model_txt=b"leaf 0.5\n")).how
    assert "damaged" in pair("m.tar.gz", old, old[:-20]).how
    evil = tar(**{"../../evil": b"x", "model_txt": b"leaf 0.5\n"})
    assert pair("m.tar.gz", evil, tar(**{"../../evil": b"y", "model_txt": b"leaf 0.5\n"})).verdict == "different"
    assert pair("a.csv.gz", gzip.compress(b"x\n0.5\n"), gzip.compress(b"x\n0.5000000001\n")).verdict == "equivalent"
    assert pair("a.csv.gz", gzip.compress(b"x"), gzip.compress(b"y")[:-9]).verdict == "different"


def test_zip_and_numpy(pair: Pair) -> None:
    """An .npz is an archive of arrays; objects in one are never unpickled."""

    def npz(**arrays: np.ndarray) -> bytes:
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)
        return buffer.getvalue()

    old = npz(w=np.ones((2, 3)), k=np.arange(3))
    assert pair("w.npz", old, npz(w=np.ones((2, 3)) + 1e-12, k=np.arange(3))).differing == 6
    assert pair("w.npz", old, npz(w=np.ones((2, 3)), k=np.arange(3) + 1)).verdict == "different"
    assert "float64[3], was float64[2, 3]" in pair("w.npz", old, npz(w=np.ones(3), k=np.arange(3))).how
    evil = npz(w=np.array([print], dtype=object))
    assert pair("w.npz", npz(w=np.array([1], dtype=object)), evil).verdict == "different"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros", b"\0" * (1 << 20))
    assert pair("a.zip", buffer.getvalue(), buffer.getvalue()[:-5]).verdict == "different"


def test_an_archive_that_unpacks_to_too_much(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is not unpacked to the end."""
    monkeypatch.setattr("dataops.lineage.reproduction.equivalence.LARGEST", 1 << 20)
    found = pair("a.tar.gz", tar(a=b"0" * (2 << 20)), tar(a=b"1" * (2 << 20)))
    assert found.verdict == "different"
    assert "not looked into" in found.how


def test_other_kinds(pair: Pair) -> None:
    """A kind that changed, and bytes."""
    assert pair("a.bin", b"\0\1", b"\0\2").how == "its bytes differ"
    assert pair("a.bin", b"\0\1", b"\0\2\3").how == "3 bytes, were 2"
    assert pair("a.parquet", parquet(pd.DataFrame({"a": [1]})), b"a\n1\n").how == "it is another kind of file"
    assert pair("a.bin", b"same", b"same") == Likeness("identical")
