"""The generated shop: daily demand of products in stores, the same integers on every machine.

Only integer arithmetic and the raw 64-bit output of PCG64 (which numpy keeps stable; its distributions it doesn't)
decide what is stored. Factors are per mille, demand is in thousandths of a unit, prices in cents. Every draw is seeded
by (what, store, product, year), so a year can be made alone.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from dataops.ingest.poisson import Ints, poisson

Bools = npt.NDArray[np.bool_]

SEED = 20220101
ORIGIN = dt.date(2022, 1, 1)  # trends, launches and ends count from here
FIRST_YEAR = 2020  # prices are chained from here; nothing can be generated before
PRODUCT, STORE, PAIR, PRICES, CAMPAIGNS, WEATHER, FASHION, GAPS, NOISE = range(9)

# Monday … Sunday, per mille, by the product's category.
WEEK = [
    [850, 830, 880, 950, 1150, 1300, 1040],
    [980, 960, 970, 1000, 1120, 1080, 890],
    [780, 760, 820, 920, 1210, 1420, 1090],
    [1020, 1010, 1000, 1010, 1060, 1010, 890],
    [820, 800, 860, 960, 1180, 1240, 1140],
]
# The middles of December … January: demand over the year, per mille; ice cream, soup, toys, staples, garden.
YEAR = [
    [680, 640, 680, 790, 960, 1190, 1420, 1540, 1470, 1170, 890, 730, 680, 640],
    [1290, 1330, 1270, 1120, 960, 830, 740, 710, 740, 890, 1080, 1230, 1290, 1330],
    [1900, 780, 750, 810, 870, 880, 890, 900, 880, 930, 1040, 1420, 1900, 780],
    [1060, 980, 970, 990, 1000, 1010, 1000, 990, 980, 1000, 1010, 1030, 1060, 980],
    [520, 560, 700, 1120, 1560, 1640, 1360, 1150, 1000, 880, 700, 570, 520, 560],
]


@dataclass(frozen=True)
class Year:
    """One calendar year, arrays of shape (days, stores, products); rows where `sold` is false do not exist."""

    first: dt.date
    sales: Ints
    cents: Ints
    promotion: Bools
    sold: Bools


def draws(count: int, *key: int) -> Ints:
    """`count` integers in [0, 2**32), decided by `key` alone."""
    raw = np.random.PCG64(np.random.SeedSequence([SEED, *key])).random_raw(count)
    return np.asarray(raw >> np.uint64(32)).astype(np.int64)


def between(draw: Any, low: int, high: int) -> Any:
    """A 32-bit draw (or an array of them) as an integer in [low, high]."""
    return low + (draw * (high - low + 1) >> 32)


def generate(year: int, stores: int, products: int) -> Year:
    """All days of `year` for stores 1…`stores` and products 1…`products`."""
    first = dt.date(year, 1, 1)
    days = (dt.date(year + 1, 1, 1) - first).days
    shape = (days, stores, products)
    sales, cents = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    promotion, sold = np.zeros(shape, bool), np.zeros(shape, bool)
    weather = [_shock(days, 70, WEATHER, store, year) for store in range(1, stores + 1)]
    for product in range(1, products + 1):
        shared = _product(product, year, days)
        for store in range(1, stores + 1):
            at = (slice(None), store - 1, product - 1)
            sales[at], cents[at], promotion[at], sold[at] = _series(shared, store, product, year, weather[store - 1])
    return Year(first, sales, cents, promotion, sold)


@dataclass(frozen=True)
class Product:
    """What a product has in common in all stores, for one year."""

    demand: Ints  # thousandths of a unit a day in a store of average size, at the regular price
    regular: Ints  # cents
    base: int  # cents, what buyers find normal
    elasticity: int  # per mille
    week: Ints
    campaigns: list[tuple[int, int, int, int]]  # first day, days, discount and uplift per mille
    launch: int  # day after ORIGIN; long before for most
    end: int


def _product(product: int, year: int, days: int) -> Product:
    d = draws(12, PRODUCT, product)
    category = product % len(YEAR)
    level = 12_000 + between(d[0], 0, 300) * between(d[1], 0, 300)  # skewed: few products sell a lot
    slope = between(d[2], -110, 170)  # per mille a year
    base = between(d[3], 1, 24) * 100 + 99 - 10 * between(d[4], 0, 4)
    day = np.arange(days)
    since = (dt.date(year, 1, 1) - ORIGIN).days + day
    trend = np.clip(1000 + slope * since // 365, 400, 2500)
    demand = level * _season(category, days) // 1000 * trend // 1000
    demand = demand * _holidays(year, days, category) // 1000 * _shock(days, 40, FASHION, product, year) // 1000
    launch = between(d[5], 120, 800) if between(d[6], 1, 100) <= 12 and product > 2 else -100_000
    end = between(d[7], 500, 1000) if between(d[8], 1, 100) <= 8 and product > 2 else 1_000_000
    return Product(
        demand=demand,
        regular=_regular(product, year, days, base),
        base=base,
        elasticity=int(between(d[9], 700, 2300)),
        week=_weekdays(WEEK[category], year, days),
        campaigns=_campaigns(product, year),
        launch=launch,
        end=max(end, launch + 200),
    )


def _series(shared: Product, store: int, product: int, year: int, weather: Ints) -> tuple[Ints, Ints, Bools, Bools]:
    """Sales, price in cents, promotion and existence of one product in one store."""
    days = len(weather)
    s, p, g = draws(4, STORE, store), draws(8, PAIR, store, product), draws(12, GAPS, store, product, year)
    size = between(s[0], 550, 1750)
    taste = between(p[0], 650, 1400)
    growth = np.clip(1000 + between(s[1], -40, 70) * ((year - ORIGIN.year) * 365 + np.arange(days)) // 365, 500, 2000)
    regular = shared.regular * between(s[2], 970, 1040) // 1000
    discount, lift = np.zeros(days, np.int64), np.full(days, 1000)
    for number, (first, length, off, uplift) in enumerate(shared.campaigns):
        if between(draws(1, CAMPAIGNS, store, product, year, number)[0], 1, 100) <= 80:
            discount[first : first + length] = off
            lift[first : first + length] = uplift
            lift[first + length : first + length + 6] = 880  # cupboards are full
    cents = np.maximum(regular * (1000 - discount) // 1000, 25)
    price = np.clip(1000 - shared.elasticity * (cents - shared.base) // shared.base, 300, 2400)
    mean = shared.demand * size // 1000 * taste // 1000 * growth // 1000
    for factor in (shared.week, price, lift, weather):
        mean = mean * factor // 1000
    sales = poisson(mean, draws(days, NOISE, store, product, year))
    for run in range(3):  # sold out: a run of zeros
        if between(g[3 * run], 1, 100) <= 40:
            first = between(g[3 * run + 1], 0, days - 12)
            sales[first : first + between(g[3 * run + 2], 2, 10)] = 0
    since = (dt.date(year, 1, 1) - ORIGIN).days + np.arange(days)
    sold = (since >= shared.launch + between(p[1], 0, 20)) & (since < shared.end + between(p[2], 0, 40))
    return sales, cents, discount > 0, sold


def _season(category: int, days: int) -> Ints:
    """Per mille by day: straight lines between the middles of the months."""
    place = np.arange(days) * 12_000 // days + 500  # thousandths of a month after the middle of December
    month, rest = place // 1000, place % 1000
    points = np.array(YEAR[category], np.int64)
    return np.asarray((points[month] * (1000 - rest) + points[month + 1] * rest) // 1000)


def _weekdays(week: list[int], year: int, days: int) -> Ints:
    return np.array(week, np.int64)[(dt.date(year, 1, 1).weekday() + np.arange(days)) % 7]


def easter(year: int) -> dt.date:
    """Easter Sunday (the anonymous Gregorian algorithm: Meeus, Astronomical Algorithms, chapter 8)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * k) // 451
    month, day = divmod(h + k - 7 * m + 114, 31)
    return dt.date(year, month, day + 1)


def _holidays(year: int, days: int, category: int) -> Ints:
    """Per mille by day: shops nearly empty on the day, full before it; Black Friday for toys."""
    factor = np.full(days, 1000)

    def around(day: dt.date, on_it: int, before: list[int]) -> None:
        place = day.timetuple().tm_yday - 1
        factor[place] = on_it
        for back, value in enumerate(before, 1):
            if place >= back:
                factor[place - back] = value

    around(dt.date(year, 1, 1), 250, [])
    around(easter(year), 500, [1450, 1250, 1150])
    around(dt.date(year, 7, 4), 800, [1200, 1150])
    around(dt.date(year, 12, 25), 200, [1250, 1500, 1400, 1300, 1200])
    around(dt.date(year, 12, 31), 900, [1250])
    november = dt.date(year, 11, 1)
    friday = november + dt.timedelta((3 - november.weekday()) % 7 + 22)  # the day after the fourth Thursday
    around(friday, 2200 if category == 2 else 1350, [600])
    return factor


def _shock(days: int, width: int, *key: int) -> Ints:
    """Per mille by day: what no column explains (weather, fashion); neighbouring days are alike."""
    raw = between(draws(days + 3, *key), -width, width)
    return np.asarray(1000 + (raw[:-3] + raw[1:-2] + raw[2:-1] + raw[3:]) // 2)


def _regular(product: int, year: int, days: int, base: int) -> Ints:
    """The price without discount, in cents: two or three changes a year, chained from FIRST_YEAR."""
    cents, result = base, np.full(days, base)
    for past in range(FIRST_YEAR, year + 1):
        d = draws(7, PRICES, product, past)
        changes = sorted((int(between(d[2 * i], 5, 355)), int(between(d[2 * i + 1], -45, 65))) for i in range(3))
        result[:] = cents
        for day, change in changes[: 2 + between(d[6], 0, 1)]:
            cents = max(cents * (1000 + change) // 1000, 49)
            result[day:] = cents
    return result


def _campaigns(product: int, year: int) -> list[tuple[int, int, int, int]]:
    """Four to seven promotions of five to twelve days, one in each stretch of the year, announced in every store."""
    d = draws(29, CAMPAIGNS, product, year)
    count = between(d[0], 4, 7)
    stretch = 340 // count
    return [
        (
            int(i * stretch + between(d[4 * i + 1], 3, stretch - 20)),
            int(between(d[4 * i + 2], 5, 12)),
            int(between(d[4 * i + 3], 2, 6) * 50),
            int(between(d[4 * i + 4], 1150, 1800)),
        )
        for i in range(count)
    ]
