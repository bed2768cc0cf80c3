"""A small DVC repository with a drift check, on real git and DVC; and CI's run on it, which a test may kill."""

from __future__ import annotations

import json
import shutil
import signal
import sys
from dataclasses import dataclass
from pathlib import Path

import toy as toys
from toy import Toy

SCRIPTS = Path(__file__).parents[2] / "scripts"
STAGES = """\
  drift:
    cmd: python drift.py
    deps: [drift.py, reports/drift_reference.json, reports/profile.json]
    outs:
      - reports/drift.json: {cache: false}
artifacts:
"""
OUTS = """\
    outs:
      - data/dataset
      - reports/profile.json: {cache: false}
"""
PIPELINE = toys.PIPELINE.replace("artifacts:\n", STAGES).replace("    outs: [data/dataset]\n", OUTS)
BUILD = (
    toys.BUILD
    + """
import json
parts = {}
for part in ("train", "test"):
    text = "".join(path.read_text() for path in sorted(pathlib.Path("data/dataset", part).glob("*.csv")))
    stores = [line.split(",")[1] for line in text.splitlines() if line[0].isdigit()]
    counts = {name: stores.count(name) for name in sorted(set(stores))}
    column = {"kind": "categorical", "missing": 0, "distinct": len(counts), "counts": counts, "other": 0}
    parts[part] = {"format": 1, "rows": len(stores), "columns": {"store": column}}
pathlib.Path("reports").mkdir(exist_ok=True)
pathlib.Path("reports/profile.json").write_text(json.dumps({"parts": parts}))
"""
)
CHECK = toys.CHECK.replace(
    'reports/validation.json").write_text(json.dumps(report))',
    """\
reports/validation.json").write_text(json.dumps(report))
raise SystemExit(bool(bad))""",
)
DRIFT = """\
import json, pathlib
reference = json.loads(pathlib.Path("reports/drift_reference.json").read_text())
known = set(reference["profile"]["columns"]["store"]["counts"]) if reference["profile"] else None
parts = json.loads(pathlib.Path("reports/profile.json").read_text())["parts"].values()
now = {name for part in parts for name in part["columns"]["store"]["counts"]}
drifted = known is not None and known != now
column = {"drifted": drifted, "severity": "high", "reasons": ["new categories"] if drifted else [], "effect": 0.5,
          "p_value": 0.0}
report = {"drifted": drifted, "columns_drifted": ["store"] if drifted else [], "columns": {"store": column}}
pathlib.Path("reports/drift.json").write_text(json.dumps(report))
raise SystemExit(drifted and pathlib.Path("fail-on-drift").exists())
"""
FIT = (
    toys.FIT
    + """
import os, time
if os.environ.get("SLOW"):  # a test kills it here
    pathlib.Path(os.environ["SLOW"]).touch()
    time.sleep(60)
"""
)
DRIVER = """\
import os, signal, sys
from pathlib import Path
from ci import report, steps
from ci.told import Told
from dataops.errors import run
from dataops.versions import context

log = Path(sys.argv[1])
def reached(name):
    seen = log.read_text().splitlines() if log.exists() else []
    if name not in seen:
        log.open("a").write(name + "\\n")
        os.kill(os.getpid(), signal.SIGKILL)

told = Told()
run(lambda: steps.run(context.here(), steps.Options("main"), told, reached))
"""

FILES = {
    "dvc.yaml": PIPELINE,
    "build.py": BUILD,
    "check.py": CHECK,
    "fit.py": FIT,
    "score.py": toys.SCORE,
    "drift.py": DRIFT,
    "params.yaml": toys.PARAMS,
    ".gitignore": "/.dataops/\n",
    "reports/drift_reference.json": json.dumps({"version": None, "profile": None}),
}


@dataclass
class Pipeline:
    """The repository, and CI's run in checkouts of it."""

    toy: Toy
    folder: Path

    def ci(self, *options: str, status: int = 0, where: Toy | None = None, **environment: str) -> str:
        """Run scripts/ci_data.py; its report, or what it printed where it wrote none."""
        place = where or self.toy
        done = place.run(sys.executable, str(SCRIPTS / "ci_data.py"), *options, status=status, **environment)
        assert "Traceback" not in done.stderr, done.stderr
        report = place.path / ".dataops/ci-report.md"
        return report.read_text() if report.exists() and "--plan" not in options else done.stdout

    def checkout(self, name: str, ref: str = "refs/heads/main") -> Toy:
        """What `actions/checkout` leaves: one commit, detached, without history, tags, branches or data."""
        other = Toy(self.folder / name)
        other.path.mkdir()
        other.run("git", "init", "-q")
        other.run("git", "remote", "add", "origin", f"file://{self.toy.origin}")
        other.run("git", "fetch", "-q", "--no-tags", "--depth=1", "origin", f"+{ref}:refs/remotes/pull/it")
        other.run("git", "checkout", "-q", "--detach", "refs/remotes/pull/it")
        shutil.copy2(self.toy.path / ".dvc/config.local", other.path / ".dvc/config.local")
        return other

    def source(self, message: str = "data", **months: str) -> None:
        """What a person does: bring data in, record it, push it; the pipeline is CI's."""
        for name, text in months.items():
            (self.toy.path / "data/source" / f"{name[1:].replace('_', '-')}.csv").write_text(text)
        self.toy.dvc("add", "-q", "data/source")
        self.toy.dvc("push", "-q")
        self.toy.commit(message)

    def pull(self) -> None:
        """Take over what CI pushed."""
        self.toy.run("git", "pull", "-q", "--ff-only", "--tags", "origin", "main")
        self.toy.dvc("pull", "-q")

    def tags(self) -> list[str]:
        """The versions on the git remote."""
        return [name for name in self.toy.tags(remote=True) if "@v" in name]

    def log(self) -> list[str]:
        """The subjects of main on the git remote, the newest first."""
        return self.toy.out("git", "-C", str(self.toy.origin), "log", "--format=%s", "main").splitlines()

    def killed(self, log: Path) -> int:
        """Run, and be killed at the first place that no run before has reached; its exit status."""
        command = (sys.executable, "-c", DRIVER, str(log))
        done = self.toy.run(*command, status=None, PYTHONPATH=f"{toys.SRC}:{SCRIPTS}")
        assert done.returncode in (0, -signal.SIGKILL), done.stdout + done.stderr
        return done.returncode
