"""The data that a rerun starts from, verified, in its worktree: copies, so that no stage can harm the cache."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from dataops.errors import DataOpsError, Refused
from dataops.lineage.reproduction.rerunplan import Plan
from dataops.repo.records import Output
from dataops.store.cache import Cache
from dataops.store.dvccommand import dvc
from dataops.store.objects import MissingObjectError, Object, Progress
from dataops.store.staging import existing
from dataops.store.transfer import fetch, into_cache
from dataops.versions import files
from dataops.versions.context import Context
from dataops.versions.get import wanted
from dataops.versions.sources import Sources


def provide(
    context: Context, plan: Plan, store: Sources, root: Path, remote: str | None, progress: Progress
) -> None:  # fmt: skip
    """Have what the plan says to fetch in the worktree's DVC root; what the cache lacks, it gets on the way.

    Raises:
        DataOpsError: something is missing or damaged; the remote, the network or the disk.
    """
    wished = [out for out in plan.provided if out.cached]
    if not wished or context.cache is None:
        return
    names: dict[str, str] = {}
    try:
        try:
            _bring(context, plan, wished, store, root, names, progress)
        except DataOpsError:
            if store.kind != "none" or not _fetched_by_dvc(root, wished, remote):
                raise
            _bring(context, plan, wished, store, root, names, progress)
    except MissingObjectError as error:
        what = f"{names[error.obj.digest]} ({error.obj.digest})" if error.obj.digest in names else ""
        message = f"{store.of(error.obj).url} has no {what}" if what else error.message
        raise DataOpsError(message, error.hint) from None
    except Refused as error:  # here it is no answer to what was asked
        raise DataOpsError(error.message, error.hint) from None


def _bring(
    context: Context,
    plan: Plan,
    wished: Sequence[Output],
    store: Sources,
    root: Path,
    names: dict[str, str],
    progress: Progress,
) -> None:
    """Into the cache, and from there into the worktree; `names` learns what each object is called."""
    cache = context.cache
    if cache is None:
        raise AssertionError("the caller looked")
    objects: dict[str, Object] = {}
    lists: list[Object] = []
    for out in wished:
        found = files.listing(context.git, context.prefix, plan.snapshot, out.path, store, cache)
        if out.digest.endswith(".dir"):
            lists += [found.whole] if found.whole is not None else []
            objects |= {f"{out.path}/{name}": obj for name, obj in found.objects.items()}
            (root / out.path).mkdir(parents=True, exist_ok=True)
        else:
            objects[out.path] = next(iter(found.objects.values()))
    names |= {obj.digest: name for name, obj in objects.items()}
    if _writable(cache):
        into_cache([obj for obj in (*objects.values(), *lists) if not cache.has(obj)], store, cache, progress=progress)
    fetch(wanted(objects), store, cache, root, progress=progress, force=True)


def _writable(cache: Cache) -> bool:
    return os.access(existing(cache.folder), os.W_OK)


def _fetched_by_dvc(root: Path, wished: Sequence[Output], remote: str | None) -> bool:
    """Let DVC bring what lies where only DVC can read (ssh, gs, azure …); whether it did."""
    targets = dict.fromkeys(out.stage for out in wished if out.stage)
    try:
        dvc(root, "fetch", *(("--remote", remote) if remote else ()), "--", *targets)
    except DataOpsError:
        return False
    return True
