"""How far one profile has moved from another. Effect size decides, significance confirms.

A p-value alone flags everything at a million rows; an effect alone flags noise at a hundred.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import chi2, kstwobign

from dataops.checked import Checked
from dataops.tables.profile import Profile, digest_of, standard_deviation

GRID = np.linspace(0.0025, 0.9975, 400)


class Thresholds(Checked):
    """What counts as drift."""

    effect: float = 0.1  # Kolmogorov-Smirnov or total variation distance: 0.1 of the mass has moved
    alpha: float = 0.01  # the p-value has to be below this as well
    missing: float = 0.02  # change of the share of missing values
    new_categories: float = 0.01  # share of rows in categories the reference has not


def compare(reference: Profile, current: Profile, limits: Thresholds) -> dict[str, Any]:
    """Every shared column's distances and verdict, what changed in the schema, and what to do about it."""
    old, new = reference["columns"], current["columns"]
    columns: dict[str, dict[str, Any]] = {}
    for name in old:
        if name not in new or old[name]["kind"] != new[name]["kind"] or old[name]["kind"] == "time":
            continue
        measure = _numeric if old[name]["kind"] == "numeric" else _categorical
        columns[name] = _judge(measure(old[name], new[name]), old[name], new[name], reference, current, limits)
    schema = {
        "added": [name for name in new if name not in old],
        "removed": [name for name in old if name not in new],
        "retyped": [name for name in old if name in new and old[name]["kind"] != new[name]["kind"]],
    }
    drifted = [name for name, entry in columns.items() if entry["drifted"]]
    return {
        "drifted": bool(drifted or schema["removed"] or schema["retyped"]),
        "score": max((entry["effect"] or 0.0 for entry in columns.values()), default=0.0),
        "columns_checked": len(columns),
        "columns_drifted": drifted,
        "rows": {"reference": reference["rows"], "current": current["rows"]},
        "schema": schema,
        "columns": columns,
        "recommendations": _recommend(columns, schema),
    }


def _judge(
    entry: dict[str, Any], old: dict[str, Any], new: dict[str, Any], ref: Profile, cur: Profile, limits: Thresholds
) -> dict[str, Any]:
    missing = [side["missing"] / rows if rows else 0.0 for side, rows in ((old, ref["rows"]), (new, cur["rows"]))]
    reasons = []
    effect, p_value = entry["effect"], entry["p_value"]
    if effect is not None and effect >= limits.effect and p_value < limits.alpha:
        reasons.append("distribution")
    if abs(missing[1] - missing[0]) >= limits.missing:
        reasons.append("missing values")
    if entry.get("new_share", 0.0) >= limits.new_categories:
        reasons.append("new categories")
    size = effect or 0.0
    severity = (
        "none"
        if not reasons
        else "high"
        if size >= 3 * limits.effect
        else "medium"
        if size >= 2 * limits.effect
        else "low"
    )
    return {"drifted": bool(reasons), "severity": severity, "reasons": reasons, **entry,
            "missing": {"reference": missing[0], "current": missing[1]}}  # fmt: skip


def _numeric(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Two-sample Kolmogorov-Smirnov distance D between the digests' distribution functions.

    p = Q(D * sqrt(nm / (n + m))), Kolmogorov's limiting distribution. PSI over the reference's deciles.
    """
    if not old["count"] or not new["count"]:
        return {"kind": "numeric", "effect": None, "p_value": 1.0}
    a, b = digest_of(old), digest_of(new)
    points = np.unique([*(a.get_quantile(q) for q in GRID), *(b.get_quantile(q) for q in GRID)])
    gaps = np.abs(np.array([a.get_rank(x) for x in points]) - np.array([b.get_rank(x) for x in points]))
    distance = float(gaps.max())
    size = old["count"] * new["count"] / (old["count"] + new["count"])
    edges = np.unique([a.get_quantile(q) for q in np.linspace(0.1, 0.9, 9)])
    shares = [np.diff([0.0, *(d.get_rank(x) for x in edges), 1.0]) for d in (a, b)]
    return {
        "kind": "numeric",
        "effect": distance,
        "p_value": float(kstwobign.sf(np.sqrt(size) * distance)),
        "psi": _psi(*shares),
        "statistics": {
            name: {"reference": x, "current": y, "change_percent": 100 * (y - x) / abs(x) if x else None}
            for name, x, y in (
                ("mean", old["mean"], new["mean"]),
                ("std", standard_deviation(old), standard_deviation(new)),
                ("median", a.get_quantile(0.5), b.get_quantile(0.5)),
                ("min", old["min"], new["min"]),
                ("max", old["max"], new["max"]),
            )
        },
    }


def _categorical(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """Total variation distance of the shares; chi-square test of homogeneity; new and vanished categories."""
    names = sorted({*old["counts"], *new["counts"]})
    x = np.array([old["counts"].get(name, 0) for name in names] + [old["other"]], dtype=float)
    y = np.array([new["counts"].get(name, 0) for name in names] + [new["other"]], dtype=float)
    if not x.sum() or not y.sum():
        return {"kind": "categorical", "effect": None, "p_value": 1.0}
    p, q = x / x.sum(), y / y.sum()
    pooled = (x + y) / (x.sum() + y.sum())
    seen = pooled > 0
    statistic = sum(
        float(((n * s - n * pooled)[seen] ** 2 / (n * pooled)[seen]).sum()) for n, s in ((x.sum(), p), (y.sum(), q))
    )
    # a value missing among those kept one by one may be in the other side's `other`: then nothing is called new
    fresh = [name for name in names if name not in old["counts"]] if not old["other"] else []
    gone = [name for name in names if name not in new["counts"]] if not new["other"] else []
    return {
        "kind": "categorical",
        "effect": float(np.abs(p - q).sum() / 2),
        "p_value": float(chi2.sf(statistic, max(int(seen.sum()) - 1, 1))),
        "psi": _psi(p, q),
        "new": fresh[:20],
        "new_share": float(sum(new["counts"][name] for name in fresh) / y.sum()),
        "vanished": gone[:20],
    }


def _psi(expected: Any, actual: Any) -> float:
    """Population stability index, sum (a - e) ln(a / e), empty cells counted as 1e-4 (Siddiqi 2006)."""
    e, a = np.maximum(expected, 1e-4), np.maximum(actual, 1e-4)
    return float(((a - e) * np.log(a / e)).sum())


def _recommend(columns: dict[str, dict[str, Any]], schema: dict[str, list[str]]) -> list[str]:
    lines = [f"{name}: the column is gone; restore it or release a new major version" for name in schema["removed"]]
    lines += [f"{name}: its kind changed; check `contract.columns`" for name in schema["retyped"]]
    ranked = sorted(
        (item for item in columns.items() if item[1]["drifted"]), key=lambda item: -(item[1]["effect"] or 0)
    )
    for name, entry in ranked:
        if "missing values" in entry["reasons"]:
            share = entry["missing"]
            lines.append(
                f"{name}: missing went from {share['reference']:.1%} to {share['current']:.1%}; ask the source"
            )
        if "new categories" in entry["reasons"]:
            lines.append(
                f"{name}: {entry['new_share']:.1%} of rows in new categories ({', '.join(entry['new'][:5])}); retrain"
            )
        if "distribution" in entry["reasons"]:
            lines.append(
                f"{name}: {entry['effect']:.0%} of its distribution moved ({entry['severity']}); {_advice(entry)}"
            )
    return lines or ["nothing moved enough to act on"]


def _advice(entry: dict[str, Any]) -> str:
    if entry["kind"] == "numeric":
        mean = entry["statistics"]["mean"]
        change = mean["change_percent"]
        moved = f"mean {mean['reference']:.4g} -> {mean['current']:.4g}" + (
            f" ({change:+.0f}%)" if change is not None else ""
        )
        return moved + ("; retrain and compare" if entry["severity"] != "low" else "; watch it")
    return "retrain and compare" if entry["severity"] != "low" else "watch it"
