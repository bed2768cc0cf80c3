"""OpenLineage's published schemas, as JSON Schema, out of the classes that its own client generates from them.

The client (`openlineage-python`, a pinned dev dependency) carries every property, whether it is required, its type and
the address of the schema. Here they are stricter than published: what no schema names is an error, but for facets with
our prefix, which need what every facet needs.
"""

from __future__ import annotations

import enum
import re
import types
import typing
from typing import Any

import attr
import jsonschema
from openlineage.client.generated import (
    base,
    base_subset_dataset,
    dataset_type_dataset,
    dataset_version_dataset,
    datasource_dataset,
    documentation_dataset,
    execution_parameters_run,
    input_statistics_input_dataset,
    job_type_job,
    output_statistics_output_dataset,
    parent_run,
    processing_engine_run,
    schema_dataset,
    source_code_job,
    source_code_location_job,
    tags_dataset,
    tags_run,
)

FACETS = {
    base.RunFacet: {
        "executionParameters": execution_parameters_run.ExecutionParametersRunFacet,
        "parent": parent_run.ParentRunFacet,
        "processing_engine": processing_engine_run.ProcessingEngineRunFacet,
        "tags": tags_run.TagsRunFacet,
    },
    base.JobFacet: {
        "jobType": job_type_job.JobTypeJobFacet,
        "sourceCode": source_code_job.SourceCodeJobFacet,
        "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet,
    },
    base.DatasetFacet: {
        "dataSource": datasource_dataset.DatasourceDatasetFacet,
        "datasetType": dataset_type_dataset.DatasetTypeDatasetFacet,
        "documentation": documentation_dataset.DocumentationDatasetFacet,
        "schema": schema_dataset.SchemaDatasetFacet,
        "tags": tags_dataset.TagsDatasetFacet,
        "version": dataset_version_dataset.DatasetVersionDatasetFacet,
    },
    base.InputDatasetFacet: {
        "inputStatistics": input_statistics_input_dataset.InputStatisticsInputDatasetFacet,
        "subset": base_subset_dataset.InputSubsetInputDatasetFacet,
    },
    base.OutputDatasetFacet: {
        "outputStatistics": output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet,
    },
}
FORMATS = {"runId": "uuid", "eventTime": "date-time"} | dict.fromkeys(
    ("producer", "schemaURL", "_producer", "_schemaURL", "url", "uri"), "uri"
)
REQUIRED = {"eventTime", "producer", "schemaURL", "_producer", "_schemaURL"}  # which the client fills in by itself
PRIMITIVE = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}
CHECKER = jsonschema.FormatChecker()
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+")


@CHECKER.checks("uri")
def _uri(value: object) -> bool:
    """By the characters of RFC 3986."""
    return not isinstance(value, str) or URI.fullmatch(value) is not None


def problems(event: Any) -> list[str]:
    """What the schema has against a run event; nothing where it is valid."""
    validator = jsonschema.Draft202012Validator(SCHEMA, format_checker=CHECKER)
    return [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in validator.iter_errors(event)]


def _object(of: type, defs: dict[str, Any]) -> dict[str, Any]:
    """A class of the client."""
    name = f"{of.__module__.rpartition('.')[2]}.{of.__name__}"
    if name not in defs:
        defs[name] = {}
        hints = typing.get_type_hints(of)
        fields = {field.name: field for field in attr.fields(of)}
        required = [name for name, field in fields.items() if field.default is attr.NOTHING or name in REQUIRED]
        made = {
            "type": "object",
            "properties": {name: _property(name, hints[name], defs) for name in fields},
            "required": required,
            "additionalProperties": False,
        }
        address = of._get_schema() if hasattr(of, "_get_schema") else None
        for key in ("schemaURL", "_schemaURL"):
            if key in fields:
                made["properties"][key] = {"const": address}
        defs[name].update(made)
    return {"$ref": f"#/$defs/{name}"}


def _property(name: str, its: Any, defs: dict[str, Any]) -> dict[str, Any]:
    found = _type(its, defs)
    return {"allOf": [found, {"format": FORMATS[name]}]} if name in FORMATS else found


def _type(its: Any, defs: dict[str, Any]) -> dict[str, Any]:
    origin, arguments = typing.get_origin(its), typing.get_args(its)
    if its is Any:
        return {}
    if its in PRIMITIVE:
        return {"type": PRIMITIVE[its]}
    if origin in (typing.Union, types.UnionType):
        # an optional property may be absent; null is no value of any published one
        return {"anyOf": [_type(one, defs) for one in arguments if one is not type(None)]}
    if origin is list:
        return {"type": "array", "items": _type(arguments[0], defs)}
    if origin is dict and arguments[1] in FACETS:
        known = {key: _object(facet, defs) for key, facet in FACETS[arguments[1]].items()}
        own = {"allOf": [_own(arguments[1])]}
        return {
            "type": "object",
            "properties": known,
            "patternProperties": {"^dataops_": own},
            "additionalProperties": False,
        }
    if origin is dict:
        return {"type": "object", "additionalProperties": _type(arguments[1], defs)}
    if isinstance(its, type) and issubclass(its, enum.Enum):
        return {"enum": [one.value for one in its]}
    return _object(its, defs)


def _own(of: type) -> dict[str, Any]:
    """A facet of nobody's schema but the spec's for all facets."""
    return {
        "type": "object",
        "properties": {"_producer": {"type": "string", "format": "uri"}, "_schemaURL": {"const": of._get_schema()}},
        "required": ["_producer", "_schemaURL"],
    }


def _schema() -> dict[str, Any]:
    defs: dict[str, Any] = {}
    root = _object(base.RunEvent, defs)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **root, "$defs": defs}


SCHEMA = _schema()
