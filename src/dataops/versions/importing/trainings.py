"""Models out of the scripts' lineage records: one JSON a training, below `lineage/` of the bucket.

The shape, as the scripts wrote it; in brackets what is taken for the same:

    {
      "job_name": "demand-2024-01-16",                           [JOBS]
      "model_version": "v1.0",                                   [MODELS; without one the job's name]
      "data_version": "v1.0",                                    [DATA; dataset@v1.0 or its address as well]
      "model_uri": "s3://bucket/models/v1.0/model.tar.gz",       [URIS]
      "git_commit": "a1b2c3d",
      "hyperparameters": {"n-estimators": 100},                  [PARAMETERS]
      "metrics": {"rmse": 12.3},                                 [METRICS]
      "created_at": "2024-01-16T08:00:00Z"                       [metadata.TIMES]
    }

A record may hold all of this one level deeper, under `lineage`, `training` or `model`.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from dataops.errors import DataOpsError
from dataops.repo import cardtext
from dataops.store.objects import Progress, silent
from dataops.versions.importing import metadata
from dataops.versions.importing.bucket import THREADS, Bucket, Listed, name_problems
from dataops.versions.importing.metadata import first, text
from dataops.versions.importing.old import Old, OldFile

JOBS = ("job_name", "training_job_name", "training_job", "job", "job_id", "run_id", "name")
MODELS = ("model_version", "model_version_id", "version")
DATA = ("data_version", "dataset_version", "data_version_id", "training_data_version", "dataset")
URIS = (
    "model_uri",
    "model_s3_uri",
    "model_artifact",
    "model_artifacts",
    "model_path",
    "model_location",
    "s3_model_uri",
    "artifact_uri",
    "S3ModelArtifacts",
)
PARAMETERS = ("hyperparameters", "hyper_parameters", "parameters", "params")
COMMITS = ("git_commit", "commit", "git_sha")
METRICS = ("metrics", "evaluation", "evaluation_metrics", "final_metrics", "results")
INNER = ("lineage", "training", "model", "model_info", "training_job", "data")
ARCHIVE = "model.tar.gz"
BACKEND = "imported"


def models(bucket: Bucket, artifact: str, dataset: str, progress: Progress = silent) -> tuple[list[Old], list[str]]:
    """The trainings below the URL whose records can be read, and notes on the others.

    Raises:
        DataOpsError: the bucket can't be read.
    """
    listed = [one for one in bucket.listing() if one.path.endswith(".json")]
    notes, found = [], []

    def read(one: Listed) -> Old | None:
        return _model(bucket, artifact, dataset, one)

    with ThreadPoolExecutor(THREADS) as pool:
        for done, (one, old) in enumerate(zip(listed, pool.map(read, listed), strict=True), 1):
            progress(done, len(listed), "records")
            if old is None:
                notes.append(f"{bucket.uri(one.path)} is no record of a training")
            else:
                found.append(old)
    return _told_apart(sorted(found, key=lambda old: (old.time, old.source)), notes), notes


def _model(bucket: Bucket, artifact: str, dataset: str, one: Listed) -> Old | None:
    """One record; None where it is none."""
    raw = bucket.content(one.path, metadata.LARGEST)
    document = cardtext.report(raw)
    if document is None:
        return None
    said = flattened(document)
    job, data, uri = text(said, JOBS), text(said, DATA), text(said, URIS)
    name = text(said, MODELS) or job
    if not name or not (data or uri):
        return None
    file, hopeless = _file(bucket, uri)
    parameters, metrics = first(said, PARAMETERS), first(said, METRICS)
    training: dict[str, Any] = {
        "backend": BACKEND,
        "job": job,
        "git_commit": text(said, ("git_commit", "commit", "git_sha")),
    }
    training |= {"hyperparameters": parameters} if isinstance(parameters, Mapping) else {}
    time = metadata.moment(first(said, metadata.TIMES)) or one.time.astimezone(dt.UTC).replace(microsecond=0)
    return Old(
        artifact,
        "model",
        name,
        time,
        bucket.uri(one.path),
        (file,) if file else (),
        single=True,
        author=text(said, metadata.AUTHORS),
        document=document,
        raw=raw,
        damage=tuple(name_problems(name)),
        hopeless=hopeless or ("" if name.isprintable() else "its name can't be written"),
        data=f"{dataset}@{version_of(data)}" if data else "",
        training={key: value for key, value in training.items() if value},
        evaluation={"model": metrics} if isinstance(metrics, Mapping) else {},
    )


def flattened(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record with what lies one level deeper; what is at the top wins."""
    inner: dict[str, Any] = {}
    for name in INNER:
        below = document.get(name)
        if isinstance(below, Mapping):
            named = {f"{name}_{key}": value for key, value in below.items()} if name in ("data", "model") else {}
            inner = {**({} if name == "data" else below), **named, **inner}
    return {**inner, **document}


def version_of(data: str) -> str:
    """The old name in `v1.0`, `dataset@v1.0` or `s3://bucket/datasets/v1.0/`."""
    if data.startswith("s3://"):
        return data.rstrip("/").rpartition("/")[2]
    return data.rpartition("@")[2] if data.rpartition("@")[2] else data


def _file(bucket: Bucket, uri: str) -> tuple[OldFile | None, str]:
    """The model's archive; or why there is none."""
    if not uri:
        return None, "its record names no model file"
    try:
        if uri.endswith("/"):
            uri += ARCHIVE
        file = bucket.head(uri)
    except DataOpsError as error:
        if error.message.startswith(("can't reach", "the embedded S3", "the credentials", "found no AWS")):
            raise
        return None, f"its model file can't be read: {error.message}"
    return file, "" if file else f"its model file {uri} is gone"


def _told_apart(olds: list[Old], notes: list[str]) -> list[Old]:
    """Two trainings of one model version: the first keeps the name, the others are called by their job as well."""
    found: dict[str, Old] = {}
    for old in olds:
        job = str(old.training.get("job") or old.source.rpartition("/")[2])
        name = old.name if old.name not in found else f"{old.name}-{job}"
        if name in found:
            notes.append(f"{old.source} is of the same training as {found[name].source}, and passed over")
        else:
            found[name] = replace(old, name=name)
    return list(found.values())
