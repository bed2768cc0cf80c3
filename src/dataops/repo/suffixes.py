"""What a file's suffix says of it: data, code, or neither."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

_DATA = """
.csv .tsv .psv .parquet .pq .feather .arrow .ipc .orc .avro .h5 .hdf5 .hdf .nc .npy .npz .pkl .pickle .joblib .rds .rda
.rdata .sav .dta .sas7bdat .xls .xlsx .xlsb .ods .jsonl .ndjson .db .sqlite .sqlite3 .duckdb .mat .tfrecord .dat .data
.safetensors .pt .pth .onnx .ckpt .keras .tflite .gguf .gz .bz2 .xz .zst .lz4 .zip .tar .tgz .7z .rar
"""
CODE = (".py", ".pyi", ".ipynb", ".r", ".jl", ".sql", ".sh")  # no data even where data lies
_OTHER = """
.py .pyi .ipynb .r .jl .sql .sh .bash .ps1 .js .ts .css .html .htm .md .rst .yaml .yml .toml .cfg .ini .json .xml .lock
.c .h .cpp .go .rs .java .scala .tf .j2 .jinja .mmd .dot .tex .bib .patch .diff .po .service .proto
.png .jpg .jpeg .gif .svg .ico .webp .pdf .woff .woff2 .ttf
"""
SUFFIXES, OTHER = frozenset(_DATA.split()), frozenset(_OTHER.split())


def suffix(name: str, more: Sequence[str] = ()) -> str:
    """The suffix that makes it data; "" where none does."""
    found = PurePosixPath(name).suffix.lower()
    return found if found in SUFFIXES or found in {f".{one.lower().lstrip('.')}" for one in more} else ""
