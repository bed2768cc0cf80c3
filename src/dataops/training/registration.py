"""Which released model AWS is told of, and when: by hand, and at the end of a release.

A model that was trained here needs nothing of AWS: what speaks to it is imported where a model of SageMaker's is known.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from dataops.errors import DataOpsError, Refused
from dataops.lineage import listing, trace, training
from dataops.lineage.training import SAGEMAKER, Trained
from dataops.repo import publish_tag, registry
from dataops.repo.git import TAGS
from dataops.repo.recorded import outside
from dataops.repo.registry import Version
from dataops.versions.context import Context

if TYPE_CHECKING:
    from dataops.training.sagemaker.registry import Registered


def chosen(context: Context, asked: str | None) -> Trained:
    """The model that is asked for; by default the newest version of one that HEAD is, or descends from.

    Raises:
        DataOpsError: there is none, or it is no released model.
    """
    if asked is not None:
        models = listing.models(context)
        target = context.taken(asked, models[0] if len(models) == 1 else trace.default(context))
        if target.version is None:
            raise DataOpsError(f"{asked} is no released version", "`dataops release` makes one; `dataops versions`")
        trained = training.read(context, target.version)
        if trained is None:
            raise DataOpsError(f"{target.version.name} is no model", "`dataops versions` lists those there are")
        return trained
    before = registry.read(context.git, merged="HEAD").artifacts.values()
    versions = [one for artifact in before for one in artifact.versions if not one.deprecated]
    for version in sorted(versions, key=lambda one: (one.refs[0].seconds, one.number.key), reverse=True):
        if (trained := training.read(context, version)) is not None:
            return trained
    raise DataOpsError("no version of a model comes before HEAD", "`dataops release model` makes one")


def require_pushed(context: Context, version: Version) -> None:
    """AWS is told of versions that everybody can find.

    Raises:
        Refused: the tag is in this clone only, or another one there.
        DataOpsError: the git remote can't be asked.
    """
    remote = publish_tag.remote_of(context.git)
    there = publish_tag.listed(context.git, remote, TAGS + version.tag).get(TAGS + version.tag)
    if there is None:
        hint = f"`dataops release {version.artifact}` at {version.commit[:7]}, or `git push {remote} {version.tag}`"
        raise Refused(f"{version.name} is in this clone only: nobody on AWS could find what it names", hint)
    if there != version.tag_sha:
        hint = f"`git fetch {remote} --tags --force` takes theirs; `git show {version.tag}` first"
        raise Refused(f"the tag {version.tag} is not the same here and on {remote}", hint)


def after_release(context: Context, version: Version) -> Registered | str | None:
    """What AWS was told of a version that has just been released; a note where a group is set and a model isn't for it.

    Raises:
        DataOpsError: AWS refuses, or the record lacks something. The version stands; the hint says what finishes it.
    """
    context = replace(context)  # the tags that came with the release are read anew
    try:
        trained = training.read(context, version)
    except DataOpsError:  # whatever is wrong with it, it isn't known to be SageMaker's
        return None
    if trained is None or context.root is None:
        return None
    if trained.backend != SAGEMAKER:
        group = _group(context)
        return f"{version.name} was not trained on SageMaker: it is not registered in {group}" if group else None
    from dataops import settings
    from dataops.training.sagemaker import registry as models

    try:
        return models.register(context, settings.load(context.root).train.sagemaker, trained)
    except DataOpsError as error:
        again = f"`dataops train register {version.name}`"
        if again not in error.hint:
            hint = error.hint.removesuffix(", then try again")
            error.hint = "; ".join(filter(None, [hint, f"{again} finishes it"]))
        raise


def hinted(context: Context, artifact: str, refusal: Refused) -> Refused:
    """The refusal of a second release, with what a first one may have left undone where SageMaker trained the model."""
    context = replace(context)  # as above
    for version in context.registry.versions(outside(artifact, context.prefix)):
        if f"unchanged since {version.name} " in refusal.message:
            with contextlib.suppress(DataOpsError):
                trained = training.read(context, version)
                if trained is not None and trained.backend == SAGEMAKER:
                    refusal.hint += f"; `dataops train register {version.name}`, if AWS doesn't know it yet"
    return refusal


def _group(context: Context) -> str:
    """The settings' group; none where they can't be read, which is no matter of a model that was trained here."""
    from dataops import settings

    try:
        return settings.load(context.root).train.sagemaker.model_package_group if context.root else ""
    except DataOpsError:
        return ""
