"""Which model was trained on which data: read from git, so that there is nothing to record.

trace   back from a model, or forward from a dataset to every model made of it
list    every released model with its data
graph   the same as a picture
create  says whether the lineage of a pair is readable already (0), or how to bind the model (1)
"""

from __future__ import annotations

import argparse
from pathlib import Path

from old import common

from dataops.errors import DataOpsError, Refused
from dataops.versions.context import Context

NEW = "`dataops lineage trace`, `impact`, `list` and `graph`"
MODEL = "model"


def parser() -> argparse.ArgumentParser:
    """The old actions and flags."""
    made = common.parser(__doc__ or "", NEW)
    actions = made.add_subparsers(title="actions", metavar="ACTION", required=True, dest="action")
    for name, told in {
        "create": "is it readable already?",
        "trace": "of one model, or of one dataset",
        "list": "all, or some",
        "graph": "as a picture",
    }.items():
        action = actions.add_parser(name, help=told, description=told)
        action.add_argument("--data-version", metavar="VERSION", help="any name of a dataset's version")
        action.add_argument("--model-version", metavar="VERSION", help="any name of a model's version")
        common.bucket(action)
        if name == "create":
            action.add_argument("--job-name", metavar="NAME", help="ignored: a training job is in its model's record")
            action.add_argument("--model-path", metavar="PATH", help="of a model that was trained elsewhere")
            action.add_argument("--git-commit", metavar="COMMIT", help="ignored: the model's tag has one")
        if name == "graph":
            output = Path("lineage_graph.png")
            action.add_argument("--output", type=Path, default=output, metavar="FILE", help=f".png, .svg, … ({output})")
    return made


def run(arguments: argparse.Namespace) -> int:
    """Translate, and call the new command in this process."""
    context = common.opened(arguments)
    data = common.version(context, arguments.data_version).name if arguments.data_version else None
    if arguments.action == "create":
        return _create(context, data, arguments)
    asked = arguments.model_version
    model = common.version(context, asked, _models(context)).name if asked else None
    if arguments.action == "list":
        return common.dataops(
            "lineage", "list", *(["--data", data] if data else []), *(["--model", model] if model else [])
        )
    subject = model or data
    if arguments.action == "graph":
        return common.dataops("lineage", "graph", *([subject] if subject else []), "--out", str(arguments.output))
    if subject is None:
        raise DataOpsError("trace what? --model-version VERSION or --data-version VERSION", "`list` lists them")
    return common.dataops("lineage", "trace" if model else "impact", subject)


def _models(context: Context) -> list[str]:
    """What a bare name may mean: the artifact `model`, and every other whose newest version says that it is one."""
    newest = [one.versions[-1] for one in context.registry.artifacts.values() if one.versions]
    return list(dict.fromkeys([MODEL, *(one.artifact for one in newest if (one.card or {}).get("type") == MODEL)]))


def _create(context: Context, data: str | None, arguments: argparse.Namespace) -> int:
    """Nothing is written: either git says it already, or the model is bound by `dataops track`.

    Raises:
        Refused: the pair's lineage isn't readable.
        DataOpsError: a version is missing.
    """
    from dataops.lineage import listing

    if data is None or not arguments.model_version:
        raise DataOpsError("lineage of what? --data-version VERSION --model-version VERSION")
    path = arguments.model_path or "FILE"
    hint = f"`dataops track {path} --name NAME --trained-on {data}`, commit, `dvc push`, `git push`, `dataops release`"
    try:
        model = common.version(context, arguments.model_version, _models(context)).name
    except DataOpsError:
        told = f"{arguments.model_version} is no released model: there is nothing to record it in"
        raise Refused(told, f"`dataops release {MODEL}` where a stage makes it; else {hint}") from None
    version = common.version(context, data)
    artifact = model.partition("@")[0]
    found = [one for one in listing.entries(context, [artifact]) if one.version.name == model]
    if not listing.select(found, listing.Wanted(data=listing.names_of(context, version))):
        made_of = [one.version or one.path or "" for entry in found for one in entry.data]
        raise Refused(f"{model} was made of {', '.join(made_of) or 'nothing that is recorded'}, not of {data}", hint)
    print(f"{model} was trained on {data}: git says so already, and nothing had to be recorded", flush=True)
    return common.dataops("lineage", "trace", model)


if __name__ == "__main__":
    common.main(parser(), NEW, run)
