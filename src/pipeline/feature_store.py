"""data/features -> data/feature_store: history by entity and event time, and the latest row of each entity.

`dataops.tables.asof.read_as_of` answers what was known of an entity at a time, from history alone.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa

from dataops.errors import run
from dataops.files import new_folder, write_json
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
    latest = pd.DataFrame()
    rows = 0
    with new_folder(STORE) as folder:
        (folder / "history").mkdir()
        for path in parquet.files(FEATURES):
            whole = parquet.file_schema(path)
            form = pa.schema([field for field in whole if field.name not in unknown])
            history = parquet.read([path], form.names)
            parquet.write_file(history, folder / "history" / path.name, form)
            rows += len(history)
            latest = newest(pd.concat([latest, history]) if len(latest) else history, contract)
        parquet.write_file(latest, folder / "latest.parquet", form)
    write_json(REPORT, {"entities": len(latest), "rows": rows, "features": len(form.names) - len(contract.index),
                        "latest_event": latest[contract.time].max().isoformat()})  # fmt: skip
    print(f"feature store: {rows:,} rows of {len(latest):,} entities")


def newest(rows: pd.DataFrame, contract: Contract) -> pd.DataFrame:
    """The latest row of each entity, sorted by key."""
    rows = rows.sort_values(contract.index, kind="stable")
    return rows.drop_duplicates(contract.keys, keep="last") if contract.keys else rows.tail(1)


if __name__ == "__main__":
    run(main)
