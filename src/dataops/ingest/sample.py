"""The source `sample`: the generated shop as CSV files, one a month; asked again for a later day it brings the rest."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from dataops.errors import DataOpsError
from dataops.ingest import demand
from dataops.ingest.batches import Batch
from dataops.ingest.source import Context, Incoming, Taken

HEADER = "date,store_id,product_id,sales,price,promotion"
START, UNTIL = dt.date(2022, 1, 1), dt.date(2024, 12, 31)
STORES, PRODUCTS = 10, 50


@dataclass(frozen=True)
class Sample:
    """What is asked for; None: what the sample so far has, or the default."""

    kind = "sample"
    until: dt.date | None = None
    start: dt.date | None = None
    stores: int | None = None
    products: int | None = None

    def take(self, context: Context) -> Taken:
        """Write the months not yet in the landing.

        Raises:
            DataOpsError: the numbers are impossible, or differ from those of the sample so far.
        """
        before = [batch for batch in context.existing if batch.manifest.source.kind == self.kind]
        shape = self._shape(before)
        first = shape["from"] if not before else _last(before) + dt.timedelta(1)
        last = self.until or UNTIL
        taken = Taken(description="generated sample")
        if last < first:
            if not before:
                raise DataOpsError(f"--until {last} is before the sample's first day {first}")
            return taken
        stores, products = shape["stores"], shape["products"]
        taken.description = f"generated sample: {stores} stores, {products} products, {first} to {last}"
        taken.detail = {"stores": stores, "products": products, "from": str(first), "until": str(last)}
        taken.received = dt.datetime.combine(last + dt.timedelta(1), dt.time(6), dt.UTC)
        for name, text in months(first, last, stores, products):
            path = context.work / name
            if not context.dry_run:
                path.write_bytes(text.encode())
            taken.files.append(Incoming(name, None if context.dry_run else path, size=len(text)))
        return taken

    def _shape(self, before: list[Batch]) -> dict[str, Any]:
        asked: dict[str, Any] = {"stores": self.stores, "products": self.products, "from": self.start}
        if not before:
            default: dict[str, Any] = {"stores": STORES, "products": PRODUCTS, "from": START}
            shape = {key: default[key] if value is None else value for key, value in asked.items()}
        else:
            detail = before[0].manifest.source.detail
            shape = {**detail, "from": dt.date.fromisoformat(detail["from"])}
            wrong = [key for key, value in asked.items() if value is not None and value != shape[key]]
            if wrong:
                raise DataOpsError(
                    f"the sample in data/landing has {wrong[0]} {shape[wrong[0]]}, not {asked[wrong[0]]}",
                    "leave the option out to continue it, or start over with --replace",
                )
        if not (1 <= shape["stores"] <= 1000 and 1 <= shape["products"] <= 10_000):
            raise DataOpsError("a sample has 1 to 1000 stores and 1 to 10000 products")
        if shape["from"].year < demand.FIRST_YEAR:
            raise DataOpsError(f"a sample starts in {demand.FIRST_YEAR} or later")
        return shape


def months(first: dt.date, last: dt.date, stores: int, products: int) -> Iterator[tuple[str, str]]:
    """Name and text of each month's file from `first` to `last`, both included; rows by date, store and product.

    The rows of a day don't depend on which period is asked for.
    """
    for year in range(first.year, last.year + 1):
        data = demand.generate(year, stores, products)
        day = max(first, data.first)
        while day <= last and day.year == year:
            end = min(last, (day.replace(day=1) + dt.timedelta(32)).replace(day=1) - dt.timedelta(1))
            yield f"sales-{day:%Y-%m}.csv", "\n".join([HEADER, *_rows(data, day, end)]) + "\n"
            day = end + dt.timedelta(1)


def _rows(data: demand.Year, first: dt.date, last: dt.date) -> Iterator[str]:
    for place in range((first - data.first).days, (last - data.first).days + 1):
        date = data.first + dt.timedelta(place)
        stores, products = data.sold[place].nonzero()
        values = zip(
            stores.tolist(),
            products.tolist(),
            data.sales[place][stores, products].tolist(),
            data.cents[place][stores, products].tolist(),
            data.promotion[place][stores, products].tolist(),
            strict=True,
        )
        for store, product, sales, cents, promotion in values:
            yield f"{date},{store + 1},{product + 1},{sales},{cents // 100}.{cents % 100:02d},{str(promotion).lower()}"


def _last(before: list[Batch]) -> dt.date:
    """The last day that the sample so far has."""
    return max(dt.date.fromisoformat(batch.manifest.source.detail["until"]) for batch in before)
