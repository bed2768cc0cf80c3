"""OpenLineage's facets: each with who says so and the address of its published schema, and every value harmless."""

from __future__ import annotations

import json
import math
import posixpath
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from dataops.lineage.exports.places import harmless
from dataops.repo.cardtext import LINES, sane

SPEC = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/"
PRODUCER = "urn:dataops:lineage-export"
SCHEMAS = {  # of its key on a run, job or dataset: the schema's version, file and definition
    ("run", "executionParameters"): "1-0-0/ExecutionParametersRunFacet",
    ("run", "parent"): "1-2-0/ParentRunFacet",
    ("run", "processing_engine"): "1-1-1/ProcessingEngineRunFacet",
    ("run", "tags"): "1-0-0/TagsRunFacet",
    ("job", "jobType"): "2-0-4/JobTypeJobFacet",
    ("job", "sourceCode"): "1-0-1/SourceCodeJobFacet",
    ("job", "sourceCodeLocation"): "1-1-0/SourceCodeLocationJobFacet",
    ("dataset", "dataSource"): "1-0-1/DatasourceDatasetFacet",
    ("dataset", "datasetType"): "1-0-1/DatasetTypeDatasetFacet",
    ("dataset", "documentation"): "1-1-0/DocumentationDatasetFacet",
    ("dataset", "schema"): "1-2-0/SchemaDatasetFacet",
    ("dataset", "tags"): "1-0-0/TagsDatasetFacet",
    ("dataset", "version"): "1-0-1/DatasetVersionDatasetFacet",
    ("input", "inputStatistics"): "1-0-0/InputStatisticsInputDatasetFacet",
    ("input", "subset"): "1-0-0/BaseSubsetDatasetFacet.json#/$defs/InputSubsetInputDatasetFacet",
    ("output", "outputStatistics"): "1-0-2/OutputStatisticsOutputDatasetFacet",
}
BASES = {"run": "RunFacet", "job": "JobFacet", "dataset": "DatasetFacet", "input": "InputDatasetFacet",
         "output": "OutputDatasetFacet"}  # fmt: skip
DEEPEST = 50  # of a report or a parameter; what lies deeper is left out
Facets = dict[str, dict[str, Any]]
Of = Literal["run", "job", "dataset", "input", "output"]


def facets(of: Of, **contents: Mapping[str, Any] | None) -> Facets:
    """The facets that have a content. One whose name begins with `dataops_` is this tool's own, which no schema but
    the spec's for all facets describes.
    """
    return {name: _facet(of, name, content) for name, content in contents.items() if content}


def _facet(of: Of, name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    if name.startswith("dataops_"):
        url = SPEC + BASES[of]
    else:
        schema = SCHEMAS[of, name]
        pointer = schema if "#" in schema else f"{schema}.json#/$defs/{posixpath.basename(schema)}"
        url = f"https://openlineage.io/spec/facets/{pointer}"
    return {"_producer": PRODUCER, "_schemaURL": url, **content}


def tags(**values: str | list[str] | None) -> dict[str, Any] | None:
    """The content of a facet of tags, by key; None without any."""
    each = [(key, one) for key, many in values.items() for one in (many if isinstance(many, list) else [many]) if one]
    return {"tags": [{"key": key, "value": value, "source": "git"} for key, value in each]} if each else None


def parameters(params: Mapping[str, Mapping[str, Any]]) -> dict[str, Any] | None:
    """Parameters by the names that DVC gives them (`train.rounds`, `other.yaml:rounds`), their values as text."""
    listed = [
        {"key": key, "value": value}
        for file, known in params.items()
        for name, content in known.items()
        for key, value in _flat(f"{'' if file == 'params.yaml' else f'{file}:'}{name}", content, 0)
    ]
    return {"parameters": listed} if listed else None


def _flat(name: str, value: Any, depth: int) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, item in value.items() if depth < DEEPEST else ():
            yield from _flat(f"{name}.{key}", item, depth + 1)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def clean(value: Any, depth: int = 0) -> Any:
    """As JSON can hold it: no NaN, no password in a URL, nothing that a terminal would obey."""
    if isinstance(value, Mapping):
        inner = value.items() if depth < DEEPEST else ()
        return {sane(str(key)): clean(item, depth + 1) for key, item in inner}
    if isinstance(value, list | tuple):
        return [clean(item, depth + 1) for item in value] if depth < DEEPEST else []
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, bool | int | float):
        return value
    return sane(harmless(str(value)), LINES)
