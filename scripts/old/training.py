"""A model trained on exactly one version's data, in a worktree of its own: what is checked out stays as it is."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops import settings
from dataops.checked import check
from dataops.errors import DataOpsError, Refused
from dataops.files import scratch as scratch_folder
from dataops.files import write_json
from dataops.lineage.reproduction.scratchtree import scratch
from dataops.repo import git as gits
from dataops.repo.registry import Version
from dataops.store import manifest
from dataops.store.cache import Cache
from dataops.store.carried import carry
from dataops.store.manifest import Entry
from dataops.store.objects import Object, Progress, silent
from dataops.store.transfer import fetch, into_cache
from dataops.training import launch, local
from dataops.versions.context import Context
from dataops.versions.get import choose, wanted

PARTS = ("train", "validation", "test")
ROUNDS = ("n_estimators", "rounds")  # what the entry point may call the number of trees
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Job:
    """What is to be trained."""

    name: str
    data: Version
    model_version: str | None
    commit: str
    """Of the code and the parameters."""
    role: str | None = None
    instance_type: str | None = None
    trees: int | None = None
    depth: int | None = None

    @property
    def model(self) -> str:
        """Where the model comes to: DVC's, once it is tracked."""
        return f"models/{self.name}.tar.gz"

    @property
    def record(self) -> str:
        """What the old lineage.json was: git's."""
        return f"reports/jobs/{self.name}.json"


def train(context: Context, job: Job, tell: Tell, progress: Progress = silent) -> Path:
    """Train where the settings say; the model's file. What it was made of and how is in `job.record`.

    Raises:
        Refused: the file is there already, or the job failed.
        DataOpsError: it can't be tried.
    """
    root, cache = context.root, context.cache
    if root is None or cache is None:
        raise DataOpsError("there is no work tree to train in", "do it in a clone of your own")
    target = root / job.model
    if target.exists() or target.with_name(f"{target.name}.dvc").exists():
        raise Refused(f"{job.model} is there already", "another --job-name, or move it away")
    chosen = _settings(root, job)
    with scratch(context.git, root, job.commit, job.name) as where:
        top = where.top / context.prefix
        if not (top / local.ENTRY).is_file():
            raise DataOpsError(f"{job.commit[:7]} has no {local.ENTRY}", "--git-commit names code that trains")
        carry(root, cache, top)
        entries, version = _provide(context, job, top, cache, progress)
        with _within(top):
            hyper = _overridden(launch.hyperparameters(), job)
            if chosen.backend == "local":
                local.run(hyper)
            else:
                _on_sagemaker(Context(gits.of(where.top), top, context.prefix), chosen, hyper, entries, version, tell)
        write_json(root / job.record, {**_lineage(job), "training": json.loads((top / local.RECORD).read_text())})
        _put(top / local.MODEL, target)
    return target


def _settings(root: Path, job: Job) -> settings.Train:
    """Today's settings with what the call says; the old tags among them.

    Raises:
        DataOpsError: a value can't be that.
    """
    found = settings.load(root).train
    ours = {"ModelVersion": job.model_version, "JobName": job.name}
    said = {"role": job.role, "instance_type": job.instance_type}
    values = found.sagemaker.model_dump() | {name: value for name, value in said.items() if value}
    values["tags"] = {**values["tags"], **{name: value for name, value in ours.items() if value}}
    values["project"] = values["project"] or settings.project(root)
    return found.model_copy(update={"sagemaker": check(settings.SageMaker, values, "the call")})


def _provide(
    context: Context, job: Job, top: Path, cache: Cache, progress: Progress
) -> tuple[tuple[Entry, ...], Version | None]:
    """The version's files below data/dataset, by parts: train.csv of an old upload lies in train/.

    Raises:
        DataOpsError: it has no train and validation part, or can't be had.
    """
    found = choose(context, job.data.name)
    names = {name: _in_part(name) for name in found.listing.objects}
    have = {name.partition("/")[0] for name in names.values()}
    if missing := [part for part in PARTS[:2] if part not in have]:
        raise DataOpsError(f"{job.data.name} has no {missing[0]} part", "a folder, or a file whose name begins so")
    objects = {names[name]: obj for name, obj in found.listing.objects.items()}
    if wrong := manifest.clash(objects):
        raise DataOpsError(f"{job.data.name} can't be laid out by parts: {wrong}")
    into_cache(list(dict.fromkeys(objects.values())), found.store, cache, progress=progress)
    shutil.rmtree(top / local.DATASET, ignore_errors=True)
    fetch(wanted(objects), found.store, cache, top / local.DATASET, progress=progress)
    _keep_list({name: obj.digest for name, obj in objects.items()}, cache)
    return tuple(Entry(name, obj.digest) for name, obj in sorted(objects.items())), job.data


def _in_part(name: str) -> str:
    """Where a file lies below the dataset."""
    part = next((part for part in PARTS if "/" not in name and name.startswith(part)), None)
    return f"{part}/{name}" if part else name


def _keep_list(files: Mapping[str, str], cache: Cache) -> None:
    """The list of these files, as DVC writes it, in the cache: SageMaker's channels are proven by it."""
    obj = Object(manifest.digest(files))
    if not cache.has(obj):
        cache.folder.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache.folder)
        with os.fdopen(handle, "wb") as file:
            file.write(manifest.dump(files))
        cache.add(obj, Path(name))


@contextlib.contextmanager
def _within(top: Path) -> Iterator[None]:
    """In that folder, with its own code before what PYTHONPATH has."""
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(top / "src"), before]))
    try:
        with contextlib.chdir(top):
            yield
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before


def _overridden(hyper: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """params.yaml's hyperparameters with those of the call.

    Raises:
        DataOpsError: the entry point has no such parameter.
    """
    found = dict(hyper)
    for flag, value, names in (("--n-estimators", job.trees, ROUNDS), ("--max-depth", job.depth, ("max_depth",))):
        if value is None:
            continue
        name = next((name for name in names if name in found), None)
        if name is None:
            told = f"{flag}: `train` in params.yaml has no {' or '.join(names)}"
            raise DataOpsError(
                told, f"{local.ENTRY} takes what stands there: num_leaves bounds a tree of the template's"
            )
        found[name] = value
    return found


def _on_sagemaker(
    context: Context,
    chosen: settings.Train,
    hyper: Mapping[str, Any],
    entries: tuple[Entry, ...],
    version: Version | None,
    tell: Tell,
) -> None:
    """Create or join the job of these inputs, and take its model.

    Raises:
        Refused, DataOpsError: as `dataops train run`.
    """
    from dataops.training.sagemaker import bundle, run, sdk
    from dataops.training.sagemaker.channels import Dataset
    from dataops.training.sagemaker.request import Inputs

    sdk.require()
    _, store, session = run.signed_in(context)
    digest = manifest.digest({entry.path: entry.digest for entry in entries})
    data = Dataset(str(local.DATASET), digest, "md5", entries, version)
    image = chosen.sagemaker.image or sdk.default_image(session.region, chosen.sagemaker.instance_type)
    inputs = Inputs(data, bundle.collect(local.ENTRY), hyper, image, chosen.sagemaker.project)
    run.bring_model(run.Prepared(context, chosen, session, store, inputs), tell)


def _put(model: Path, target: Path) -> None:
    """Copy it in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=scratch_folder(target), prefix="model-")
    with os.fdopen(handle, "wb") as out, model.open("rb") as file:
        shutil.copyfileobj(file, out)
    Path(name).chmod(0o644)
    Path(name).replace(target)


def _lineage(job: Job) -> dict[str, Any]:
    """What the old lineage.json said."""
    return {
        "job_name": job.name,
        "data_version": job.data.name,
        "data_hash": (job.data.card or {}).get("hash"),
        "model_version": job.model_version,
        "git_commit": job.commit,
    }
