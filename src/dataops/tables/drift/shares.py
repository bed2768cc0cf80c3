"""Distances between two lists of shares, (k,) each, that sum up to 1."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]
EMPTY = 1e-4  # what PSI counts an empty cell as, so that it stays finite


def psi(expected: Floats, actual: Floats) -> Floats:
    """Population stability index, sum (a - e) ln(a / e) (Siddiqi 2006): Jeffreys' divergence of two histograms.

    Of lists that lie side by side, (..., k), one each, (...).
    """
    e, a = np.maximum(expected, EMPTY), np.maximum(actual, EMPTY)
    return np.asarray(((a - e) * np.log(a / e)).sum(-1))


def total_variation(p: Floats, q: Floats) -> float:
    """Half the sum of |p - q|: the share that has to move to make one the other."""
    return min(float(np.abs(p - q).sum() / 2), 1.0)  # sums of thousands of shares are rounded


def jensen_shannon(p: Floats, q: Floats) -> float:
    """The Jensen-Shannon distance to base 2, 0..1 (Endres & Schindelin 2003), as scipy's `jensenshannon`."""
    middle = (p + q) / 2
    divergence = (special.rel_entr(p, middle) + special.rel_entr(q, middle)).sum() / 2
    return float(np.sqrt(max(divergence / np.log(2), 0.0)))


def chi_square(x: Floats, y: Floats) -> tuple[float, int]:
    """p of Pearson's test that two lists of counts, (k,), are of one distribution; and how many cells were pooled.

    Categories of which either side expects fewer than five are pooled, rarest first, until none does (Cochran 1954).
    """
    n, m = x.sum(), y.sum()
    total = x + y
    order = np.argsort(total, kind="stable")
    least = total[order] * (min(n, m) / (n + m))
    few = int(np.searchsorted(least, 5))
    while few and few < len(order) and least[:few].sum() < 5:
        few += 1
    cells = [np.append(side[order[:few]].sum(), side[order[few:]]) if few else side[order] for side in (x, y)]
    seen = cells[0] + cells[1] > 0
    if seen.sum() < 2:
        return 1.0, few
    expected = (cells[0] + cells[1])[seen] / (n + m)
    statistic = sum(
        float(((side[seen] - size * expected) ** 2 / (size * expected)).sum())
        for side, size in zip(cells, (n, m), strict=True)
    )
    return float(special.chdtrc(int(seen.sum()) - 1, statistic)), few
