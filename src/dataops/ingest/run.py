"""`dataops ingest`: from a source to a recorded batch."""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from dataops import files
from dataops.errors import DataOpsError
from dataops.ingest import check, landing, recorded
from dataops.ingest.batches import LANDING, MANIFEST, Batch, File, Manifest, Source, folder_name, next_sequence, sha256
from dataops.ingest.exclusions import check_exclusions, ensure_exclusions, restore_exclusions
from dataops.ingest.names import refuse_hostile, sanitised, unique
from dataops.ingest.source import Context, Incoming, Taken, Taker, silent


@dataclass(frozen=True)
class Options:
    """How to take what the source offers."""

    replace: bool = False
    any_columns: bool = False
    mix: bool = False
    """Whether other data may stand beside the generated sample, as corrections of some of its rows."""
    dry_run: bool = False
    received: dt.datetime | None = None  # None: now, or what the source says
    progress: Callable[[int, int | None, str], None] = silent


@dataclass
class Outcome:
    """What an ingest did, or would do."""

    batch: str | None = None  # path; None when nothing was new
    files: list[File] = field(default_factory=list)
    columns: list[str] = field(default_factory=list)
    known: int = 0  # files whose content the landing already has
    skipped: list[str] = field(default_factory=list)  # no data
    warnings: list[str] = field(default_factory=list)
    recovered: list[str] = field(default_factory=list)  # batches a killed ingest left, recorded now
    replaced: int = 0  # batches that gave way
    description: str = ""
    dry_run: bool = False

    @property
    def rows(self) -> int | None:
        """Of all files, when every file's is known."""
        counts = [file.rows for file in self.files]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def bytes(self) -> int:
        """Of all files."""
        return sum(file.bytes for file in self.files)

    def as_json(self) -> dict[str, Any]:
        """For --json."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        listed = [file.model_dump(exclude_none=True) for file in self.files]
        return values | {"rows": self.rows, "bytes": self.bytes, "files": listed}


def ingest(root: Path, source: Taker, options: Options | None = None) -> Outcome:
    """Take what `source` offers and the landing doesn't have as one new batch, and record it with DVC.

    Raises:
        DataOpsError: the recorded landing cannot be restored, the source cannot be read, a file is no readable table or
            lacks columns, or another ingest is running. The landing is then as it was.
    """
    options = options or Options()
    try:
        return _ingest(root, source, options)
    except OSError as error:  # no permission, no space: the machine's, not ours
        where = f"{error.filename}: " if error.filename else ""
        raise DataOpsError(f"{where}{error.strerror or error}", "nothing was recorded") from None


def _ingest(root: Path, source: Taker, options: Options) -> Outcome:
    with landing.locked(root):
        check_exclusions(root)
        outcome, existing = _prepared(root, source, options)
        with landing.workplace(root) as work:
            fetched = work / "fetched"
            fetched.mkdir()
            context = Context(fetched, [] if options.replace else existing, options.dry_run, options.progress)
            taken = source.take(context)
            _describe(outcome, taken)
            new = _new(taken, existing, outcome, options)
            if not options.dry_run:
                ensure_exclusions(root)  # before the batch: killed between the two, the landing alone would be no use
            if new:
                manifest = _manifest(root, source, taken, new, existing, outcome, options)
                outcome.files, outcome.columns = manifest.files, manifest.columns
                outcome.batch = (LANDING / folder_name(manifest)).as_posix()
                if any(item.incoming.path is None for item in new):  # not fetched: no content to name it by
                    outcome.batch = outcome.batch[:-8] + "…"
                if not options.dry_run:
                    _publish(root, work, new, manifest, options)
            elif outcome.recovered:
                landing.save(root)
    return outcome


def settle(root: Path) -> None:
    """Have what is recorded in the work tree, and recorded what a killed ingest or exclude left.

    Raises:
        DataOpsError: as `ingest`.
    """
    with landing.locked(root):
        if landing.prepare(root).left:
            landing.save(root)
        ensure_exclusions(root)
        restore_exclusions(root)


def _prepared(root: Path, source: Taker, options: Options) -> tuple[Outcome, list[Batch]]:
    """The landing made ready, and its batches."""
    outcome, settled = Outcome(dry_run=options.dry_run), True
    if options.dry_run:
        state = landing.compare(root, recorded.Cache(root))
        if state.missing:
            raise DataOpsError(
                f"{LANDING} lacks {len(state.missing)} recorded files, and a dry run restores nothing",
                f"`dvc pull {LANDING}.dvc` first",
            )
    else:
        state = landing.prepare(root, restore=not options.replace)
        settled = not (state.left or state.missing)
        outcome.recovered = [] if options.replace else [folder.as_posix() for folder in state.left]
    existing = landing.existing(root) if settled or not options.replace else []
    outcome.replaced = len(existing) if options.replace else 0
    generated = {batch.manifest.source.kind == "sample" for batch in existing}
    mixed = bool(existing) and (source.kind == "sample") not in generated
    if mixed and not options.replace and not options.mix:
        have, new = ("the generated sample", "other data") if True in generated else ("your data", "the sample")
        raise DataOpsError(
            f"{LANDING} holds {have}; {new} would be mixed with it",
            "add --replace to start over (git and DVC's cache keep what was recorded), or --mix, if that is meant",
        )
    return outcome, existing


def _describe(outcome: Outcome, taken: Taken) -> None:
    outcome.description, outcome.skipped = taken.description, taken.skipped
    outcome.known, outcome.warnings = taken.unchanged, list(taken.warnings)


@dataclass(frozen=True)
class New:
    """An offered file whose content is new."""

    incoming: Incoming
    file: File


def _new(taken: Taken, existing: list[Batch], outcome: Outcome, options: Options) -> list[New]:
    """The files to take, under their names in the batch; counts the others."""
    have = {file.sha256 for batch in existing for file in batch.manifest.files}
    known = set() if options.replace else set(have)
    chosen: list[tuple[Incoming, str]] = []
    for number, incoming in enumerate(taken.files):
        options.progress(number, len(taken.files), "reading")
        refuse_hostile(incoming.name, taken.description)
        digest = ""
        if incoming.path is not None:
            if incoming.path.stat().st_size == 0:
                raise DataOpsError(f"{incoming.name} is empty", "an export that failed? leave the file out")
            digest = sha256(incoming.path)
            if digest in known:
                outcome.known += 1
                continue
            known.add(digest)
        chosen.append((incoming, digest))
    if options.replace and chosen and {digest for _, digest in chosen} == have:
        outcome.known += len(chosen)
        return []
    names = unique([sanitised(incoming.name) for incoming, _ in chosen])
    return [
        New(incoming, File(name=name, bytes=_size(incoming), sha256=digest, rows=incoming.count, etag=incoming.etag))
        for (incoming, digest), name in zip(chosen, names, strict=True)
    ]


def _size(incoming: Incoming) -> int:
    return incoming.path.stat().st_size if incoming.path is not None else incoming.size or 0


def _manifest(
    root: Path,
    source: Taker,
    taken: Taken,
    new: list[New],
    existing: list[Batch],
    outcome: Outcome,
    options: Options,
) -> Manifest:
    """batch.json, after every file was looked into."""
    wanted = check.expected(root)
    columns: dict[str, None] = {}
    listed, complaints = [], []
    for number, item in enumerate(new):
        options.progress(number, len(new), "checking")
        if item.incoming.path is None:
            listed.append(item.file)
            continue
        header, rows = check.inspect(item.incoming.path, item.incoming.name, wanted.read)
        columns |= dict.fromkeys(header)
        listed.append(item.file.model_copy(update={"rows": rows}))
        complaint = check.columns_differ(header, item.incoming.name, wanted.columns)
        if complaint and existing and not options.replace and not options.any_columns:
            raise complaint
        complaints += [complaint] if complaint and not options.any_columns else []
    if complaints:
        more = f" (and {len(complaints) - 1} more files)" if len(complaints) > 1 else ""
        outcome.warnings.append(f"{complaints[0].message}{more}; {complaints[0].hint}")
    if listed and all(file.rows == 0 for file in listed):
        raise DataOpsError(f"{taken.description} has columns and no rows", "an export that failed? leave it out")
    now = options.received or taken.received or dt.datetime.now(dt.UTC)
    return Manifest(
        sequence=1 if options.replace else next_sequence(existing),
        source=Source(kind=source.kind, description=taken.description, detail=taken.detail),
        ingested_at=now.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        files=listed,
        columns=list(columns),
    )


def _publish(root: Path, work: Path, new: list[New], manifest: Manifest, options: Options) -> None:
    built = work / "batch"
    built.mkdir()
    for number, item in enumerate(new):
        options.progress(number, len(new), "copying")
        assert item.incoming.path is not None
        target = built / item.file.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if item.incoming.path.is_relative_to(work):
            item.incoming.path.rename(target)
        else:
            shutil.copyfile(item.incoming.path, target)
            if sha256(target) != item.file.sha256:
                raise DataOpsError(
                    f"{item.incoming.name} changed while it was read", "run this again when it is at rest"
                )
        target.chmod(0o644)
    files.write_json(built / MANIFEST, manifest.model_dump(exclude_none=True))
    options.progress(len(new), len(new), "recording")
    place = folder_name(manifest)
    if options.replace:
        landing.replace(root, built, place, work)
    else:
        landing.add(root, built, place)
