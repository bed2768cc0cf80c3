"""What a completed job left: its model and its other output, fetched, looked through and put in place."""

from __future__ import annotations

import errno
import gzip
import hashlib
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops.archive import DAMAGED
from dataops.errors import DataOpsError, Refused
from dataops.store.refusals import explain
from dataops.store.s3objects import BROKEN, GONE, S3Store
from dataops.training.sagemaker.jobs import Described
from dataops.training.sagemaker.refusals import code
from dataops.versions.wording import clean

MODEL, OUTPUT = "model.tar.gz", "output.tar.gz"
BLOCK = 1 << 20
LARGEST = 20 << 30  # bytes unpacked
AGAIN = "run again: that is a new attempt"
DELETE = "delete it there and run again: that is a new attempt"


@dataclass(frozen=True)
class Fetched:
    """An archive as SageMaker uploaded it."""

    uri: str
    sha256: str


def model_uri(job: Described) -> str:
    """Where the job says that its model is."""
    return str((job.get("ModelArtifacts") or {}).get("S3ModelArtifacts") or "")


def present(job: Described, store: S3Store) -> bool:
    """Whether the model of a completed job is there.

    Raises:
        DataOpsError: S3 won't say.
    """
    if not (uri := model_uri(job)):
        return False
    try:
        store.client.head_object(**place(uri))
    except BROKEN as error:
        if code(error) in GONE:
            return False
        raise explain(error, "read", store.remote) from None
    return True


def fetch(job: Described, store: S3Store, work: Path) -> Fetched:
    """The model's files in `work`/model, the others in `work`/output.

    Raises:
        Refused: the model isn't there, or it is damaged or empty.
        DataOpsError: S3 won't.
    """
    uri = model_uri(job)
    name = job["TrainingJobName"]
    if not uri or (found := _download(uri, store, work / MODEL)) is None:
        where = f"at {uri}" if uri else "anywhere"
        raise Refused(f"the training job {name} completed, but its model isn't {where}", AGAIN)
    _unpack(work / MODEL, work / "model", uri)
    if not any(path.is_file() for path in (work / "model").rglob("*")):
        raise Refused(
            f"the training job {name} left no model: {uri} is empty", "the entry point writes to SM_MODEL_DIR"
        )
    rest = f"{uri.rpartition('/')[0]}/{OUTPUT}"
    (work / "output").mkdir(exist_ok=True)
    if _download(rest, store, work / OUTPUT) is not None:
        _unpack(work / OUTPUT, work / "output", rest)
    return found


def place(uri: str) -> dict[str, str]:
    """Bucket and key of s3://bucket/key."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return {"Bucket": bucket, "Key": key}


def _download(uri: str, store: S3Store, target: Path) -> Fetched | None:
    """An object as a file; None where it isn't there. S3's checksum, where it has one, is checked on the way."""
    digest = hashlib.sha256()
    try:
        answer: Mapping[str, Any] = store.client.get_object(**place(uri))
        with target.open("wb") as file:
            for block in answer["Body"].iter_chunks(BLOCK):
                digest.update(block)
                file.write(block)
    except BROKEN as error:
        if code(error) in GONE:
            return None
        raise explain(error, "read", store.remote) from None
    return Fetched(uri, digest.hexdigest())


def _unpack(archive: Path, folder: Path, uri: str) -> None:
    """Extract plain files, after all of it has been read: gzip's checksum is at the end.

    Raises:
        Refused: it is damaged, has links or devices, leads out of the folder, or is absurdly large.
    """
    folder.mkdir(exist_ok=True)
    size = 0
    try:
        with gzip.open(archive) as whole:
            while block := whole.read(BLOCK):
                size += len(block)
                if size > LARGEST:
                    raise Refused(f"{uri} unpacks to more than {LARGEST >> 30} GiB", DELETE)
        with tarfile.open(archive, mode="r:gz") as opened:
            members = opened.getmembers()
            odd = next((member.name for member in members if not (member.isfile() or member.isdir())), None)
            if odd is not None:
                raise Refused(f"{uri} holds {clean(odd)}, which is no plain file", "the model must be files alone")
            if sum(member.size for member in members) > LARGEST:  # a sparse file is larger than its bytes
                raise Refused(f"{uri} unpacks to more than {LARGEST >> 30} GiB", DELETE)
            opened.extractall(folder, members, filter="data")
    except DAMAGED as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise DataOpsError(f"no room to unpack {uri}", f"it needs that below {folder.parent}") from None
        raise Refused(f"{uri} is damaged: {clean(str(error))}", DELETE) from None
