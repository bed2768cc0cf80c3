"""data/features -> data/dataset/{train,validation,test}: by time, on partition boundaries.

Whole files are copied, so that a month which moves from test to validation costs nothing on the remote.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from dataops.checked import Checked
from dataops.errors import DataOpsError, run
from dataops.files import new_folder, write_json
from dataops.params import section
from dataops.tables import parquet
from dataops.tables.contract import Contract
from dataops.tables.profile import profile

FEATURES = Path("data/features")
DATASET = Path("data/dataset")
REPORT = Path("reports/profile.json")
PARTS = ("train", "validation", "test")


class Split(Checked):
    """The section `split` of params.yaml, counted in the contract's partitions (months where there are none)."""

    validation: int
    test: int


def main() -> None:
    """Run the stage."""
    contract, params = section(Contract, "contract"), section(Split, "split")
    paths = parquet.files(FEATURES)
    with new_folder(DATASET) as folder, ThreadPoolExecutor(1) as beside:
        for part in PARTS:
            (folder / part).mkdir()
        if contract.partition == "none":
            files, copies = cut_rows(paths[0], folder, contract, params), []
        else:
            part_of = parts(len(paths), params)
            files = {part: [path for path, own in zip(paths, part_of, strict=True) if own == part] for part in PARTS}
            copies = [
                beside.submit(shutil.copyfile, path, folder / part / path.name)
                for part in PARTS
                for path in files[part]
            ]
        profiles = {part: profile(parquet.read(files[part], list(contract.columns)), contract) for part in PARTS}
        for copy in copies:
            copy.result()
    write_json(REPORT, {"parts": profiles})
    print("split: " + ", ".join(f"{part} {found['rows']:,} rows" for part, found in profiles.items()))


def parts(count: int, params: Split) -> list[str]:
    """Each partition's part, oldest first: the last ones test, those before them validation, the rest train.

    Raises:
        DataOpsError: nothing would be left to train on.
    """
    train = count - params.validation - params.test
    if min(params.validation, params.test) < 1 or train < 1:
        raise DataOpsError(
            f"params.yaml: split: {params.validation} + {params.test} of {count} partitions leave none to train on",
            "each part needs at least one; lower split.validation or split.test",
        )
    return ["train"] * train + ["validation"] * params.validation + ["test"] * params.test


def cut_rows(path: Path, folder: Path, contract: Contract, params: Split) -> dict[str, list[Path]]:
    """The same by rows, where the table is a single file: months are the boundaries."""
    rows = parquet.read([path])
    months, found = pd.factorize(parquet.numbers(rows[contract.time], "month"), sort=True)
    part_of = np.array(parts(len(found), params))
    form = parquet.file_schema(path)
    for part in PARTS:
        parquet.write_file(rows[part_of[months] == part], folder / part / path.name, form)
    return {part: [folder / part / path.name] for part in PARTS}


if __name__ == "__main__":
    run(main)
