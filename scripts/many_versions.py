"""A repository with many versions on as many commits, made quickly: what the listing has to stay quick on.

python scripts/many_versions.py FOLDER --versions 10000

Each commit has its own dvc.lock (about 6 kB), dvc.yaml and params.yaml; each version an annotated tag with a card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

STAGES = ("collect", "validate", "featurize", "split", "feature_store", "drift", "train", "evaluate")
WHO = "Mo Del <mo@example.com>"
START = 1_600_000_000  # seconds; one version an hour
HOUR = 3600
COLUMNS = (
    "store_id",
    "product_id",
    "date",
    "sales",
    "price",
    "promotion",
    *(f"lag_{days}" for days in range(7, 91, 7)),
)


def main() -> None:
    """Make it where the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="must not exist yet")
    parser.add_argument("--versions", type=int, default=10_000, metavar="N", help="(10000)")
    arguments = parser.parse_args()
    make(arguments.folder, arguments.versions)
    print(f"{arguments.versions} versions in {arguments.folder}")


def make(folder: Path, versions: int) -> None:
    """A work tree of the last of `versions` commits, each of them tagged."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q", "-b", "main")
    marks = folder / ".git" / "marks"
    fast_import(folder, commits(versions), f"--export-marks={marks}")
    ids = dict(line.split() for line in marks.read_text().splitlines())
    fast_import(folder, tags([ids[f":{i + 1}"] for i in range(versions)]))
    git(folder, "pack-refs", "--all")
    git(folder, "reset", "-q", "--hard", "main")


def fast_import(folder: Path, stream: Iterator[bytes], *options: str) -> None:
    """Feed git."""
    with subprocess.Popen(
        ["git", "fast-import", "--quiet", "--done", *options], cwd=folder, stdin=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        for chunk in stream:
            process.stdin.write(chunk)
    if process.returncode:
        raise SystemExit("git fast-import failed")


def git(folder: Path, *arguments: str) -> str:
    """What git prints."""
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def commits(versions: int) -> Iterator[bytes]:
    """What git fast-import reads: a commit an hour."""
    constant = {".dvc/config": "[core]\n    remote = storage\n['remote \"storage\"']\n    url = s3://bucket/dvc\n"}
    constant["dvc.yaml"] = pipeline()
    for i in range(versions):
        files = {"dvc.lock": lock(i), "params.yaml": f"split:\n  seed: {i}\n", **(constant if i == 0 else {})}
        yield f"commit refs/heads/main\nmark :{i + 1}\ncommitter {WHO} {START + i * HOUR} +0000\n".encode()
        yield data(f"Data {i}")
        for path, content in files.items():
            yield f"M 100644 inline {path}\n".encode() + data(content)
    yield b"done\n"


def tags(ids: list[str]) -> Iterator[bytes]:
    """The tags of these commits; apart from them, as a card names its commit."""
    previous = None
    for i, commit in enumerate(ids):
        name, digest = number(i), digest_of("data/dataset", i)
        block = json.dumps(card(i, name, commit, digest, previous), indent=2)
        text = f"dataset {name}: {reason(i)}\n\n{block}\n"
        yield f"tag dataset@{name}\nfrom {commit}\ntagger {WHO} {START + i * HOUR + 60} +0000\n".encode() + data(text)
        previous = {"version": name, "hash": digest}
    yield b"done\n"


def reason(i: int) -> str:
    """Why a version is one."""
    return f"{1 + i % 7} values corrected" if i % 4 else f"30 rows added, the {i}th delivery"


def data(text: str) -> bytes:
    """A block of fast-import's."""
    content = text.encode()
    return b"data %d\n%b\n" % (len(content), content)


def number(i: int) -> str:
    """Mostly minor versions, a patch now and then, few major ones."""
    major, rest = divmod(i, 1000)
    return f"v{major + 1}.{rest // 4}.{rest % 4}"


def digest_of(path: str, i: int) -> str:
    """A hash as DVC has it of a folder."""
    return hashlib.md5(f"{path} {i}".encode(), usedforsecurity=False).hexdigest() + ".dir"


def pipeline() -> str:
    """dvc.yaml: a chain of stages, and the artifacts."""
    lines = ["stages:"]
    for before, stage in zip(("landing", *STAGES), STAGES, strict=False):
        lines += [f"  {stage}:", f"    cmd: python -m pipeline.{stage}", "    deps:", f"      - data/{before}"]
        lines += ["    outs:", f"      - {output(stage)}"]
    artifacts = {"dataset": ("data/dataset", "dataset"), "model": ("data/train", "model")}
    for name, (path, kind) in artifacts.items():
        lines += [
            *(["artifacts:"] if name == "dataset" else []),
            f"  {name}:",
            f"    path: {path}",
            f"    type: {kind}",
        ]
    return "\n".join(lines) + "\n"


def output(stage: str) -> str:
    """What a stage writes."""
    return "data/dataset" if stage == "split" else f"data/{stage}"


def lock(i: int) -> str:
    """dvc.lock as DVC writes it, about 6 kB."""
    lines = ["schema: '2.0'", "stages:"]
    for before, stage in zip(("landing", *STAGES), STAGES, strict=False):
        lines += [f"  {stage}:", f"    cmd: python -m pipeline.{stage}", "    deps:"]
        sources = [f"src/pipeline/{stage}.py", "src/dataops/files.py", "src/dataops/tables"]
        for path in (output(before), *sources):
            lines += entry(path, i if path.startswith("data") else 0)
        lines += ["    params:", "      params.yaml:", *(f"        {stage}.option_{n}: {n * i}" for n in range(4))]
        lines += ["    outs:", *entry(output(stage), i)]
    return "\n".join(lines) + "\n"


def entry(path: str, i: int) -> list[str]:
    """One dependency or output."""
    return [
        f"    - path: {path}",
        "      hash: md5",
        f"      md5: {digest_of(path, i)}",
        f"      size: {1_000_000 + i}",
        "      nfiles: 12",
    ]


def card(i: int, name: str, commit: str, digest: str, previous: dict[str, str] | None) -> dict[str, object]:
    """The JSON block of a tag, about 3 kB, as `dataops release` writes it."""
    hexadecimal = hashlib.sha256(str(i).encode()).hexdigest()
    return {
        "format": 1,
        "artifact": "dataset",
        "version": name,
        "type": "dataset",
        "path": "data/dataset",
        "commit": commit,
        "hash": digest,
        "sha256": hexadecimal,
        "row_hash": hexadecimal[::-1],
        "files": 12,
        "rows": 10_000 + 30 * i,
        "bytes": 1_000_000 + i,
        "schema": {column: "float64" if column.startswith("lag") else "string" for column in COLUMNS},
        "schema_version": 1,
        "sources": [{"path": "data/landing", "hash": digest_of("data/landing", i)}],
        "previous": previous,
        "bump": ("minor", "patch")[i % 4 > 0],
        "reason": reason(i),
        "validation": {"passed": True, "rows": 10_000 + 30 * i, "checks": {f"check_{n}": "passed" for n in range(12)}},
        "drift": {"drifted": False, "columns": {column: {"psi": 0.01, "p": 0.5} for column in COLUMNS}},
        "evaluation": {},
        "author": WHO,
        "created_at": "2024-01-15T06:30:00Z",
        "message": "",
    }


if __name__ == "__main__":
    main()
