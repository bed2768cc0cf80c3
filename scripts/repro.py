"""What `make repro` runs once the environment is there: store, data, pipeline, push, and five lines about it.

Every step leaves alone what is already done, so it may be stopped anywhere and run again.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dataops import yamls
from dataops.errors import DataOpsError, run
from dataops.ingest.run import settle
from dataops.repo.root import enter
from dataops.reports import read_json
from dataops.store import embedded, remote

LOCK = Path("dvc.lock")
CUT = Path(".dataops/dvc.lock.cut")
RECORDS = ("params.yaml", "dvc.yaml", "data/landing.dvc", "data/exclusions.csv.dvc", "dvc.lock", "reports")


def main() -> None:
    """Run the steps in order; the first that fails ends it."""
    root = enter()
    with alone(root) as lock:
        steps(root, lock)


def steps(root: Path, lock: int) -> None:
    """Store, data, pipeline, push, summary."""
    if remote.is_template(root):
        status = embedded.up(root)
        where = f"the embedded S3, {status.endpoint}"
    else:
        default = remote.default(root)
        where = default.remote.url if default else "the default remote"
    before = fingerprint()
    if Path("data/landing.dvc").exists():
        settle(root)
    else:
        step(lock, "dataops", "ingest", "sample")
    try:
        step(lock, "dvc", "repro")
    except DataOpsError:
        if not mended():
            raise
        step(lock, "dvc", "repro")
    pushed = step(lock, "dvc", "push", capture=True).strip().splitlines()[-1]
    unchanged = fingerprint() == before and pushed.startswith("Everything is up to date")
    print("\n".join(summary(where, pushed, unchanged)))


def mended() -> bool:
    """Whether dvc.lock was cut short, as by a kill while DVC wrote it, and is now what git has, or gone.

    What ran since comes back out of DVC's cache. A file with conflicts is somebody's work, and stays.
    """
    from dvc.schema import COMPILED_LOCKFILE_SCHEMA as SCHEMA
    from voluptuous import Invalid

    content = LOCK.read_bytes() if LOCK.exists() else b""
    if not content or yamls.CONFLICT.search(content):
        return False
    try:
        SCHEMA(yamls.load(content, str(LOCK)))
    except (DataOpsError, Invalid):
        LOCK.replace(CUT)
        subprocess.run(["git", "checkout", "--quiet", "HEAD", "--", str(LOCK)], stderr=subprocess.DEVNULL, check=False)
        now = "what git has of it is back" if LOCK.exists() else "it starts anew"
        print(f"{LOCK} was cut short: {now}; {CUT} has what was left")
        return True
    return False


def fingerprint() -> str:
    """What the pipeline has made so far, as one hash."""
    parts = [path.read_bytes() for path in (LOCK, *sorted(Path("data").glob("*.dvc"))) if path.exists()]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()


@contextlib.contextmanager
def alone(root: Path) -> Iterator[int]:
    """Hold the lock of this script. What it starts inherits it: a stage that outlives a killed `make repro` counts."""
    path = root / ".dataops/repro.lock"
    path.parent.mkdir(exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise DataOpsError(
                "another `make repro` is at work here, or what it started is", "run this again when it has ended"
            ) from None
        yield file.fileno()


def step(lock: int, module: str, *arguments: str, capture: bool = False) -> str:
    """Run `dvc` or `dataops` of this very environment; its own words are shown, progress too."""
    command = [sys.executable, "-m", module, *arguments]
    output = subprocess.PIPE if capture else None
    done = subprocess.run(command, stdout=output, text=True, check=False, pass_fds=(lock,))
    if done.returncode:
        print(done.stdout or "", end="")
        raise DataOpsError(
            f"`{module} {' '.join(arguments)}` failed with exit status {done.returncode}",
            "its own words are above; when that is mended, `make repro` goes on from there",
        )
    return done.stdout or ""


def summary(where: str, pushed: str, unchanged: bool) -> list[str]:
    """Five lines: what happened, where to look, what to commit."""
    collection, validation = read_json(Path("reports/collection.json")), read_json(Path("reports/validation.json"))
    evaluation = read_json(Path("reports/evaluation.json"))
    model, naive = (number(evaluation[name]["wape"]) for name in ("model_where_naive", "naive"))
    if evaluation["model_where_naive"]["wape"] is None:
        model = number(evaluation["model"]["wape"])
    commit = uncommitted()
    return [
        "",
        "Nothing changed: data, model and remote are as they were." if unchanged else "Done.",
        f"  data    {collection['rows_read']:,} rows in {collection['batches']} batch(es) -> "
        f"{validation['rows']['valid']:,} valid, {validation['rows']['invalid']:,} in quarantine",
        f"  model   WAPE {model}, seasonal naive {naive}, on the test part",
        f"  remote  {pushed.rstrip('.')} -> {where}",
        "  look    reports/evaluation/*.png · dvc metrics show · dvc dag",
        f"  commit  git add {' '.join(commit)} && git commit -m 'Data and model'" if commit else "  commit  nothing",
    ]


def number(value: float | None) -> str:
    """A metric, or a dash where there was nothing to score."""
    return "-" if value is None else f"{value:.4f}"


def uncommitted() -> list[str]:
    """Which of the records git hasn't got as they are now."""
    present = [name for name in RECORDS if Path(name).exists()]
    command = ["git", "status", "--porcelain", "--", *present]
    try:
        changed = subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()
    except OSError:  # no git on this machine: nothing can be committed
        return []
    return [name for name in present if any(line[3:].startswith(name) for line in changed)]


if __name__ == "__main__":
    run(main)
