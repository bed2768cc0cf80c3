"""The check of the events is one that fails."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest
from openlineage_schemas import SCHEMA, problems

FACET = {
    "_producer": "urn:dataops:lineage-export",
    "_schemaURL": "https://openlineage.io/spec/facets/1-0-1/DatasetVersionDatasetFacet.json#/$defs/"
    "DatasetVersionDatasetFacet",
}
GOOD: dict[str, Any] = {
    "eventType": "COMPLETE",
    "eventTime": "2026-01-02T03:04:05Z",
    "producer": "urn:dataops:lineage-export",
    "schemaURL": "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent",
    "run": {"runId": "b971c40f-cbed-5cf7-87d3-0bdd0793ac77", "facets": {}},
    "job": {"namespace": "https://host/team/repo", "name": "dvc.yaml:fit"},
    "inputs": [{"namespace": "n", "name": "d", "facets": {"version": {**FACET, "datasetVersion": "ab.dir"}}}],
}


def test_a_good_event_passes() -> None:
    """And the schema itself is one."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert problems(GOOD) == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("eventType",), "DONE"),
        (("eventTime",), "yesterday"),
        (("eventTime",), None),
        (("producer",), "no uri"),
        (("producer",), None),
        (("schemaURL",), "https://openlineage.io/spec/1-0-0/OpenLineage.json"),
        (("run",), None),
        (("run", "runId"), "1"),
        (("job", "name"), None),
        (("job", "name"), 7),
        (("job", "facets"), {"mine": FACET}),
        (("job", "facets"), {"dataops_mine": {"_producer": "urn:x:y"}}),
        (("unknown",), 1),
        (("inputs", 0, "facets", "version", "datasetVersion"), None),
        (("inputs", 0, "facets", "version", "_schemaURL"), "https://example.org/else"),
        (("inputs", 0, "facets", "version", "more"), 1),
        (("inputs", 0, "facets", "tags"), {**FACET, "tags": []}),
    ],
)
def test_a_bad_one_does_not(path: tuple[Any, ...], value: Any) -> None:
    """What is missing (None), of another type or format, or in no schema."""
    event = copy.deepcopy(GOOD)
    inner: Any = event
    for step in path[:-1]:
        inner = inner[step]
    if value is None:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    assert problems(event)
