"""A dataset version as Croissant 1.0 (MLCommons): what data catalogues and loaders of training data read.

Every file is a FileObject with its address and checksum. The tables of each part are a FileSet by their names, so that
beside the files, as `dataops get` lays them out, `mlcroissant` loads the records.
"""

from __future__ import annotations

import datetime as dt
import glob
import mimetypes
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from dataops.lineage.exports.facets import clean
from dataops.versions.tablefiles import SUFFIXES, TEXT, part, table_kind

CONFORMS = "http://mlcommons.org/croissant/1.0"
TERMS = ("citeAs", "column", "extract", "field", "fileObject", "fileProperty", "fileSet", "format", "includes",
         "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet", "references", "regex",
         "repeated", "replace", "samplingRate", "separator", "source", "subField", "transform",
         "equivalentProperty")  # fmt: skip
CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "sc": "https://schema.org/",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{term: f"cr:{term}" for term in TERMS},
}
ENCODINGS = {"Parquet": "application/x-parquet", "CSV": "text/csv", "TSV": "text/tab-separated-values",
             "JSON Lines": "application/jsonlines"}  # fmt: skip
TYPES = (  # how the name of a type on a card, or in a contract, begins
    (("int", "uint"), "sc:Integer"),
    (("float", "double", "halffloat", "decimal", "number"), "sc:Float"),
    (("bool",), "sc:Boolean"),
    (("timestamp", "datetime"), "sc:DateTime"),
    (("date",), "sc:Date"),
)
PART = "^([^/]+)(?:/.*)?$"  # mlcroissant applies it to its own result again, and makes globs of it
ORDER = ("train", "validation", "test")
TABLES, RECORDS, SPLITS = "tables", "records", "splits"


@dataclass(frozen=True)
class File:
    """One file of the version."""

    path: str
    """Below the artifact, as `train/2024-01.parquet`."""
    url: str
    checksum: tuple[str, str]
    """`md5` or `sha256`, and its digits."""


@dataclass(frozen=True)
class Dataset:
    """What is known of a version."""

    name: str
    description: str
    files: Sequence[File]
    version: str | None = None
    """By semver, without a `v`; None for a commit that is no version."""
    date: dt.datetime | None = None
    creator: str = ""
    url: str | None = None
    license: str | None = None
    citation: str | None = None
    keywords: Sequence[str] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    """Column to its type as the card has it; {}: no table, or nobody has looked."""
    contract: Mapping[str, str] = field(default_factory=dict)
    """Column to the type that the contract gives it: in CSV everything else is text."""


def metadata(dataset: Dataset) -> dict[str, Any]:
    """The JSON-LD document."""
    kind = table_kind(one.path for one in dataset.files)
    tables = [one.path for one in dataset.files if kind and one.path.lower().endswith(tuple(_suffixes(kind)))]
    known = {
        "name": dataset.name,
        "description": dataset.description,
        "conformsTo": CONFORMS,
        "license": dataset.license,
        "url": dataset.url,
        "version": dataset.version,
        "datePublished": dataset.date.isoformat().replace("+00:00", "Z") if dataset.date else None,
        "creator": {"@type": "sc:Person", "name": dataset.creator} if dataset.creator else None,
        "citeAs": dataset.citation or cited(dataset),
        "keywords": list(dataset.keywords),
        "distribution": [*map(_object, dataset.files), *([_set(tables, kind)] if kind else [])],
        "recordSet": _records(dataset, _parts(tables)) if kind and dataset.columns else None,
    }
    return {"@context": CONTEXT, "@type": "sc:Dataset", **clean({key: one for key, one in known.items() if one})}


def cited(dataset: Dataset) -> str:
    """A BibTeX entry."""
    stated = {
        "title": f"{dataset.name} {dataset.version or ''}".strip(),
        "author": dataset.creator,
        "year": str(dataset.date.year) if dataset.date else "",
        "version": dataset.version,
        "url": dataset.url,
    }
    plain = {key: re.sub(r"[{}\\]", "", value) for key, value in stated.items() if value}
    lines = [f"{key}={{{value}}}" for key, value in plain.items()]
    return f"@misc{{{re.sub(r'[^A-Za-z0-9]+', '_', plain['title'])}, {', '.join(lines)}}}"


def data_type(name: str) -> str:
    """A column's type in schema.org's words."""
    plain = name.lower()
    return next((its for begins, its in TYPES if plain.startswith(begins)), "sc:Text")


def _object(file: File) -> dict[str, Any]:
    kind, digits = file.checksum
    encoding = ENCODINGS.get(table_kind([file.path]) or "") or mimetypes.guess_type(file.path)[0]
    return {
        "@type": "cr:FileObject",
        "@id": _id("files", file.path),
        "name": file.path,
        "contentUrl": file.url,
        "encodingFormat": encoding or "application/octet-stream",
        kind: digits,
    }


def _set(tables: Sequence[str], kind: str) -> dict[str, Any]:
    """The tables, by patterns of their names."""
    return {
        "@type": "cr:FileSet",
        "@id": TABLES,
        "name": TABLES,
        "encodingFormat": ENCODINGS[kind],
        "includes": sorted({_pattern(path, kind) for path in tables}),
    }


def _pattern(path: str, kind: str) -> str:
    """Every file with its ending in its folder, whose characters mean themselves."""
    ending = max((len(suffix) for suffix in _suffixes(kind) if path.lower().endswith(suffix)), default=0)
    folder = path[: path.rfind("/") + 1]
    return f"{glob.escape(folder)}*{glob.escape(path[len(path) - ending :])}"


def _suffixes(kind: str) -> list[str]:
    return [suffix for suffix, its in SUFFIXES.items() if its == kind]


def _parts(tables: Sequence[str]) -> list[str]:
    """The first folders of the tables, in the order of their use; none where a table has none."""
    found = {part(path) for path in tables}
    return [] if "" in found else [*(name for name in ORDER if name in found), *sorted(found - set(ORDER))]


def _records(dataset: Dataset, parts: Sequence[str]) -> list[dict[str, Any]]:
    """The rows with their columns; and where they lie in parts, the parts, which each row refers to."""
    fields = []
    sets = []
    if parts:
        split = next(name for name in ("split", "part", "_split", *map(str, range(99))) if name not in dataset.columns)
        which = {"@type": "cr:Field", "@id": _id(SPLITS, "name"), "name": "name", "dataType": "sc:Text"}
        sets.append({
            "@type": "cr:RecordSet",
            "@id": SPLITS,
            "name": SPLITS,
            "description": "The parts of the dataset: the first folder of a file's path.",
            "dataType": "cr:Split",
            "key": {"@id": which["@id"]},
            "field": [which],
            "data": [{which["@id"]: name} for name in parts],
        })  # fmt: skip
        source = {"extract": {"fileProperty": "fullpath"}, "transform": {"regex": PART}}
        fields.append(_field(split, "sc:Text", source) | {"references": {"field": {"@id": which["@id"]}}})
    for column, its in dataset.columns.items():
        told = dataset.contract.get(column, its) if its == TEXT else its
        fields.append(_field(column, data_type(told), {"extract": {"column": column}}))
    records = {"@type": "cr:RecordSet", "@id": RECORDS, "name": RECORDS, "field": fields}
    return [*sets, records]


def _field(name: str, its: str, source: Mapping[str, Any]) -> dict[str, Any]:
    where = {"fileSet": {"@id": TABLES}, **source}
    return {"@type": "cr:Field", "@id": _id(RECORDS, name), "name": name, "dataType": its, "source": where}


def _id(*names: str) -> str:
    """An identifier that is no prefixed name and no keyword, whatever a file or column is called."""
    return "/".join(quote(name, safe="/", errors="surrogatepass") for name in names)
