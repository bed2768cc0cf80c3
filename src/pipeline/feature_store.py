"""data/features -> data/feature_store: history by entity and event time, and the latest row of each entity.

`dataops.tables.asof.read_as_of` answers what was known of an entity at a time, from history alone.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from dataops.errors import run
from dataops.files import new_folder, write_json
from dataops.memo import Memo, as_before
from dataops.params import read, section
from dataops.tables import parquet
from dataops.tables.contract import Contract

FEATURES = Path("data/features")
STORE = Path("data/feature_store")
REPORT = Path("reports/feature_store.json")


def main() -> None:
    """Run the stage. History has the features' partitions without what nobody knows at that time.

    That is the target, and every column that isn't known ahead: its lags and means are features of their own.
    """
    contract = section(Contract, "contract")
    ahead = read().get("featurize", {}).get("known_ahead") or []
    unknown = {contract.target, *contract.others} - set(ahead)
    paths, memo = parquet.files(FEATURES), Memo.of("feature_store", [FEATURES])
    form = pa.schema([field for field in parquet.file_schema(paths[0]) if field.name not in unknown])
    keys = {path.name: memo.key(path.name, memo.digest(path)) for path in paths}
    with new_folder(STORE) as folder:
        history = folder / "history"
        history.mkdir()
        kept = memo.restored(keys, history)
        for path in [path for path in paths if path.name not in kept]:
            parquet.write_file(parquet.read([path], form.names), history / path.name, form)
            memo.put_file(keys[path.name], history / path.name)
        latest = newest([history / path.name for path in paths], contract)
        parquet.write_file(latest, folder / "latest.parquet", form)
    memo.save()
    rows = sum(parquet.rows(path) for path in parquet.files(STORE / "history"))
    write_json(REPORT, {"entities": len(latest), "rows": rows, "features": len(form.names) - len(contract.index),
                        "latest_event": latest[contract.time].max().isoformat()})  # fmt: skip
    print(f"feature store: {rows:,} rows of {len(latest):,} entities" + as_before(len(kept), len(paths)))


def newest(paths: list[Path], contract: Contract) -> pd.DataFrame:
    """The latest row of each entity in some partitions, sorted by key; of most of them only keys and time are read."""
    tables = [parquet.read([path], contract.index) for path in paths]
    file = np.repeat(np.arange(len(paths)), [len(table) for table in tables])
    place = np.concatenate([np.arange(len(table)) for table in tables])
    rows = pd.concat(tables, ignore_index=True).sort_values(contract.index, kind="stable")
    last = rows.drop_duplicates(contract.keys, keep="last") if contract.keys else rows.tail(1)
    at = np.sort(last.index.to_numpy())
    found = [parquet.read([paths[number]]).iloc[place[at[file[at] == number]]] for number in np.unique(file[at])]
    latest: pd.DataFrame = pd.concat(found, ignore_index=True)
    return latest.sort_values(contract.index, kind="stable")


if __name__ == "__main__":
    run(main)
