"""Training on SageMaker, from the settings to the model in place: look, push, start or join, wait, take."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from dataops import settings
from dataops.errors import DataOpsError
from dataops.files import write_json
from dataops.store.copy import Destination, destination
from dataops.store.objects import NoStore, silent
from dataops.store.s3objects import S3Store
from dataops.training import local
from dataops.training.sagemaker import bundle, channels, jobs, outcome, sdk, standing, watch
from dataops.training.sagemaker.channels import Channel
from dataops.training.sagemaker.jobs import Described, Found
from dataops.training.sagemaker.request import Inputs, build, cost
from dataops.training.sagemaker.session import Session, is_aws, sign_in
from dataops.versions import context as contexts
from dataops.versions.context import Context
from dataops.versions.upload import bring

FOLDER = "sagemaker"  # below the DVC remote's URL: DVC itself looks in files/ alone


@dataclass(frozen=True)
class Prepared:
    """Everything that is known before AWS is asked for anything."""

    context: Context
    chosen: settings.Train
    session: Session
    store: S3Store
    inputs: Inputs

    @property
    def below(self) -> str:
        """The URL below which everything of ours lies."""
        return f"s3://{'/'.join(filter(None, (self.store.bucket, self.store.prefix, FOLDER)))}"

    @property
    def output(self) -> str:
        """The folder of models."""
        return self.chosen.sagemaker.output.rstrip("/") or f"{self.below}/jobs"

    def there(self, folder: str) -> Destination:
        """A folder of ours on the remote."""
        return destination(self.store, self.below, folder, self.chosen.sagemaker.kms_key, "")

    @property
    def sources(self) -> Destination:
        """The folder of bundles."""
        return self.there("source")

    @property
    def manifests(self) -> Destination:
        """The folder of manifests."""
        return self.there("manifests")

    @cached_property
    def channels(self) -> list[Channel]:
        """Where the job reads its data.

        Raises:
            Refused: the published copy is wanted, and there is none.
            DataOpsError: the data can't be listed in a manifest.
        """
        if self.chosen.channels == "published":
            return channels.by_copy(self.context, self.inputs.dataset)
        return channels.by_manifest(self.inputs.dataset, self.store, self.manifests)

    def request(self, attempt: int) -> dict[str, Any]:
        """CreateTrainingJob's request of an attempt.

        Raises:
            Refused, DataOpsError: as for `channels` and `build`.
        """
        source = self.sources.uri(self.inputs.bundle.key)
        stands = standing.of(self.context, self.inputs.bundle)
        return build(self.inputs, self.channels, source, self.output, stands, self.chosen.sagemaker, attempt)


def prepare(hyperparameters: Mapping[str, Any]) -> Prepared:
    """Read what a job would be made of. Nothing is written, and S3 is asked at most for the dataset's list of files.

    Raises:
        DataOpsError: a setting, the data or the remote isn't such that SageMaker could train.
    """
    context = contexts.here()
    chosen, store, session = signed_in(context)
    data = channels.dataset(context, str(local.DATASET))
    image = chosen.sagemaker.image or sdk.default_image(session.region, chosen.sagemaker.instance_type)
    project = chosen.sagemaker.project or settings.project(context.root or Path())
    return Prepared(
        context, chosen, session, store, Inputs(data, bundle.collect(local.ENTRY), hyperparameters, image, project)
    )


def signed_in(context: Context) -> tuple[settings.Train, S3Store, Session]:
    """The settings, the remote and the account.

    Raises:
        DataOpsError: they don't fit together.
    """
    chosen = settings.load(context.root or Path()).train
    store = context.store()
    if isinstance(store, NoStore):
        raise store.refusal()
    if not isinstance(store, S3Store):
        raise DataOpsError(f"SageMaker reads from S3, and the remote is {store.url}", "`dataops remote use s3://…`")
    session = sign_in(chosen.sagemaker, store.remote.profile, store.remote.region)
    if session.is_aws and not is_aws(store.remote.endpoint_url):
        raise DataOpsError(
            f"SageMaker can't read the remote {store.remote.name} at {store.remote.endpoint_url}",
            "`dataops remote use s3://bucket/prefix` names a bucket of Amazon's",
        )
    return chosen, store, session


def run(hyperparameters: Mapping[str, Any], tell: watch.Tell) -> None:
    """Have the model of these inputs at models/model.tar.gz, from the job that made it or a new one.

    Raises:
        Refused: the job failed, or left no model.
        DataOpsError: AWS, S3 or the settings are in the way.
    """
    sdk.require()
    bring_model(prepare(hyperparameters), tell)


def bring_model(ready: Prepared, tell: watch.Tell) -> None:
    """The same of inputs that are known.

    Raises:
        Refused, DataOpsError: as `run`.
    """
    found = jobs.find(ready.session, ready.inputs)
    if found.completed and found.job is not None and outcome.present(found.job, ready.store):
        tell(f"{found.job['TrainingJobName']} made this model: taking it")
        job = found.job
    else:
        name = _started(ready, found, tell)
        job = watch.Watch(ready.session, name, tell).until_the_end(ready.chosen.sagemaker.poll_seconds)
        watch.require_completed(job)
    take(ready, job, tell)


def take(ready: Prepared, job: Described, tell: watch.Tell) -> None:
    """Put a completed job's model, curve and record in place.

    Raises:
        Refused: it left no model.
        DataOpsError: S3 won't.
    """
    with local.workspace() as work:
        model = outcome.fetch(job, ready.store, work)
        packages = local.place(work)
    write_json(local.RECORD, record(ready, job, model, packages))
    tell(f"{local.MODEL}: from {model.uri}")


def record(ready: Prepared, job: Described, model: outcome.Fetched, packages: Mapping[str, str]) -> dict[str, Any]:
    """What reports/training.json says: the job as AWS describes it, so whoever takes its model writes the same."""
    data, chosen = ready.inputs.dataset, ready.chosen.sagemaker
    resources, spent = job.get("ResourceConfig", {}), job.get("TrainingTimeInSeconds")
    billable, spot = job.get("BillableTimeInSeconds"), job.get("EnableManagedSpotTraining")
    return {
        "backend": "sagemaker",
        "job": job["TrainingJobArn"],
        "job_name": job["TrainingJobName"],
        "region": ready.session.region,
        "entry_point": str(local.ENTRY),
        "image": ready.inputs.image,
        "instance": resources.get("InstanceType"),
        "instance_count": resources.get("InstanceCount"),
        "seconds": spent,
        "billable_seconds": billable,
        "spot_saving": round(1 - billable / spent, 4) if spot and billable is not None and spent else None,
        "usd": None if billable is None else cost(chosen, billable),
        "started_at": _utc(job.get("TrainingStartTime")),
        "ended_at": _utc(job.get("TrainingEndTime")),
        "hyperparameters": ready.inputs.hyperparameters,
        "packages": packages,
        "channels": {
            item["ChannelName"]: {"type": source["S3DataType"], "uri": source["S3Uri"]}
            for item in job.get("InputDataConfig") or ()
            if (source := item["DataSource"].get("S3DataSource"))
        },
        "dataset": {
            "path": data.path,
            "hash": data.digest,
            "version": data.version.name if data.version else None,
        },
        "source": {"uri": ready.sources.uri(ready.inputs.bundle.key), "sha256": ready.inputs.bundle.digest},
        "model": {"uri": model.uri, "sha256": model.sha256},
    }


def _started(ready: Prepared, found: Found, tell: watch.Tell) -> str:
    """The name of the job to wait for: one that runs, or a new attempt.

    Raises:
        Refused, DataOpsError: it can't be started.
    """
    if found.job is not None:
        name = str(found.job["TrainingJobName"])
        if found.running:
            tell(f"{name} runs already: joining it")
            return name
        said = "has no model any more" if found.completed else str(found.job["TrainingJobStatus"]).lower()
        tell(f"{name} {said}: a new attempt")
    request = ready.request(found.following)
    _send(ready, tell)
    name = str(request["TrainingJobName"])
    try:
        ours = jobs.start(ready.session, request)
    except KeyboardInterrupt:  # the request may have arrived
        tell(f"if {name} was started, {watch.GOES_ON}")
        raise
    if ours:
        tell(f"started {name} on {ready.chosen.sagemaker.instance_count} x {ready.chosen.sagemaker.instance_type}")
    else:
        tell(f"{name} is there already: joining it")
    return name


def _send(ready: Prepared, tell: watch.Tell) -> None:
    """Have on the remote what the job will read, proven object by object."""
    if ready.chosen.channels == "objects":
        data = ready.inputs.dataset
        done = bring(ready.context, {None: data.objects}, lambda _: None, silent)
        tell(f"{data.path}: {done.objects} objects at {done.url}, {done.uploaded} uploaded, all proven")
        channels.send(ready.channels, ready.manifests)
    bundle.send(ready.inputs.bundle, ready.sources)


def _utc(time: dt.datetime | None) -> str | None:
    return time.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if time else None
