"""Values that aren't there: missing ones, and infinite ones, which no average survives."""

from __future__ import annotations

from typing import Any

from scipy import special, stats


def measure(old: int, new: int, n: int, m: int) -> dict[str, Any]:
    """Shares of `n` and `m` rows, and p that they are equal: Fisher's exact test where the chi-square is rough."""
    found = {"reference": old / n if n else 0.0, "current": new / m if m else 0.0, "p_value": 1.0}
    total = old + new
    if not n or not m or not total or total == n + m:
        return found
    rarer = min(total, n + m - total)
    if rarer * min(n, m) / (n + m) < 5:
        p_value = float(stats.fisher_exact([[old, n - old], [new, m - new]]).pvalue)
    else:
        share = total / (n + m)
        z = (new / m - old / n) / (share * (1 - share) * (1 / n + 1 / m)) ** 0.5
        p_value = float(special.chdtrc(1, z * z))
    return found | {"p_value": p_value}
