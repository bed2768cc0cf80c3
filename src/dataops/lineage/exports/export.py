"""The run events of a repository's versions, with all that they need beside the traces: names, cards, places."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from dataops.errors import DataOpsError
from dataops.lineage.exports import openlineage, places
from dataops.lineage.exports.openlineage import Kept, World
from dataops.lineage.trace import MODEL, find, trace
from dataops.lineage.traced import Trace
from dataops.repo import publish_tag
from dataops.repo.names import Target
from dataops.repo.records import Output
from dataops.repo.registry import Version
from dataops.store.objects import Object, Store
from dataops.store.remote import PLACEHOLDER
from dataops.versions.context import Context

Told = Callable[[str], object]


def events(
    context: Context, asked: str | None = None, namespace: str | None = None, told: Told = str
) -> list[dict[str, Any]]:
    """The run events of what made a version; without one of every released model, oldest first, each run once.

    Of all models one whose commit can't be read is passed over, and `told` hears of it, as of a trace's warnings.

    Raises:
        DataOpsError: there is no such version, nothing recorded made it, or no model was ever released.
    """
    url = address(context)
    runs: dict[str, dict[str, Any]] = {}
    for there, found in _traces(context, asked, told):
        names = {name for step in found.steps for made in step.outs for name in made.versions}
        known = cards(context, {*names, *found.trained_on})
        world = World(namespace or places.namespace(url), places.repository(url), _kept(there), known)
        for step, event in zip(found.steps, openlineage.events(found, world), strict=True):
            run = event["run"]["runId"]
            # what another model of that commit has of this step, this one says as well; but not of its own last one
            if run not in runs or any(made.output == found.output for made in step.outs):
                runs[run] = event
        if asked is not None and not found.steps:
            raise DataOpsError(f"nothing is known of what made {found.name}", "; ".join(found.warnings[:2]))
        if found.warnings:
            more = f" (and {len(found.warnings) - 1} more, as `dataops lineage trace` shows)"
            told(f"{found.name}: {found.warnings[0]}{more if len(found.warnings) > 1 else ''}")
    return list(runs.values())


def _traces(context: Context, asked: str | None, told: Told) -> Iterator[tuple[Context, Trace]]:
    """Each with the DVC repository that it lies in."""
    if asked is not None:
        target, path = find(context, asked)
        yield context.focused(target, path)[0], trace(context, target, path)
        return
    versions = models(context)
    if not versions:
        raise DataOpsError("no model was ever released", "VERSION names what to export, as dataset@latest")
    for version in versions:
        target = Target(version.name, version.artifact, version.commit, version)
        try:
            found = context.focused(target)[0], trace(context, target)
        except DataOpsError as error:
            told(f"{version.name} is left out: {error.message}")
        else:
            yield found


def models(context: Context) -> list[Version]:
    """Every version of every model, the oldest first; what is a model, its newest card says, or its name."""
    found: list[Version] = []
    for artifact in context.registry.artifacts.values():
        card = (artifact.versions[-1].card if artifact.versions else None) or {}
        named = artifact.name.rpartition(":")[2] == MODEL
        if card.get("type", MODEL if named else None) == MODEL:
            found += artifact.versions
    return sorted(found, key=lambda version: (version.refs[-1].seconds, version.artifact, version.number.key))


def address(context: Context) -> str:
    """The git repository's URL: as it was given, else its remote's; where both are folders, that of the remote."""
    if places.repository(context.url) is not None:
        return context.url
    try:
        return context.git.out("remote", "get-url", publish_tag.remote_of(context.git))
    except DataOpsError:
        return context.url or str(context.git.folder.resolve())


def cards(context: Context, names: Iterable[str]) -> Mapping[str, Mapping[str, Any]]:
    """The cards of these versions; of those without one nothing."""
    wanted = set(names)
    known = (
        version
        for artifact in sorted({name.rpartition("@")[0] for name in wanted})
        for version in context.registry.versions(artifact)
        if version.name in wanted
    )
    return {version.name: card for version in known if (card := version.read_card())}


def _kept(context: Context) -> Callable[[Output], Kept]:
    """Where an output is kept, by the configuration of this clone; nothing is asked of the remote."""
    stores: dict[str | None, Store | None] = {}

    def kept(out: Output) -> Kept:
        if out.imported or not out.push:
            return Kept()
        if out.remote not in stores:
            try:
                stores[out.remote] = context.store(out.remote)
            except DataOpsError:
                stores[out.remote] = None
        store = stores[out.remote]
        if store is None or store.url.startswith(PLACEHOLDER) or (store.kind == "none" and "://" not in store.url):
            return Kept()
        try:
            return Kept(store.url, store.uri(Object(out.digest, out.algorithm)))
        except DataOpsError:
            return Kept(store.url)

    return kept
