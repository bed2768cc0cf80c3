"""What IAM policy documents say to one action on one resource; pure functions.

After the IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements": an explicit Deny wins, then an Allow
of the identity's or (same account) the bucket's policy, else no. Wildcards are `*` and `?`. What isn't built (policy
variables, dates, IP addresses) raises ValueError, so that no policy is called sufficient that wasn't understood.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

Context = Mapping[str, "str | list[str]"]


def allowed(
    identity: Iterable[Mapping[str, Any]],
    action: str,
    resource: str,
    context: Context,
    *,
    bucket: Mapping[str, Any] | None = None,
    principal: str = "",
) -> bool:
    """Whether the documents of an identity, with those of the bucket, allow `action` on `resource`."""
    effects = [s["Effect"] for document in identity for s in applying(document, action, resource, context)]
    if bucket:
        effects += [
            s["Effect"]
            for s in applying(bucket, action, resource, context)
            if _principal(s.get("Principal"), principal)
        ]
    return "Deny" not in effects and "Allow" in effects


def unused(
    document: Mapping[str, Any], asked: Iterable[tuple[str, str, Context]], bound: tuple[str, ...] = ()
) -> list[tuple[str, str]]:
    """What a document allows and nobody asked for: pairs of an action and a resource of its Allow statements.

    Args:
        asked: what was needed, as a recorded request's `needs` has it.
        bound: actions to leave out, which are for cases that weren't run.
    """
    asked = list(asked)
    return [
        (action, resource)
        for statement in _list(document["Statement"])
        if statement["Effect"] == "Allow"
        for action in _list(statement["Action"])
        for resource in _list(statement["Resource"])
        if action not in bound
        and not any(_applies(statement | {"Action": action, "Resource": resource}, *need) for need in asked)
    ]


def applying(document: Mapping[str, Any], action: str, resource: str, context: Context) -> list[Mapping[str, Any]]:
    """The statements of a document that speak of this request."""
    return [s for s in _list(document["Statement"]) if _applies(s, action, resource, context)]


def _applies(statement: Mapping[str, Any], action: str, resource: str, context: Context) -> bool:
    if "Action" in statement:
        named = any(_like(pattern.lower(), action.lower()) for pattern in _list(statement["Action"]))
    else:
        named = not any(_like(pattern.lower(), action.lower()) for pattern in _list(statement["NotAction"]))
    if not named:
        return False
    if "Resource" in statement:
        meant = any(_like(pattern, resource) for pattern in _list(statement["Resource"]))
    else:
        meant = not any(_like(pattern, resource) for pattern in _list(statement["NotResource"]))
    return meant and all(
        _condition(operator, key, _list(expected), context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, expected in keys.items()
    )


def _condition(operator: str, key: str, expected: list[Any], context: Context) -> bool:
    lowered = {name.lower(): value for name, value in context.items()}  # keys of conditions have no case
    found = lowered.get(key.lower())
    expected = [str(value).lower() if isinstance(value, bool) else str(value) for value in expected]
    name, _, rest = operator.rpartition(":")
    if rest == "Null":
        return (found is None) == (expected == ["true"])
    plain = rest.removesuffix("IfExists")
    negated = "Not" in plain
    if found is None:
        return rest.endswith("IfExists") or negated or name == "ForAllValues"
    test = _TESTS.get(plain.replace("Not", ""))
    if test is None or name not in ("", "ForAllValues", "ForAnyValue"):
        raise ValueError(f"the training host has no condition operator {operator}")
    each = [any(test(pattern, value) for pattern in expected) != negated for value in _list(found)]
    return all(each) if name == "ForAllValues" or (negated and not name) else any(each)


_TESTS = {
    "StringEquals": lambda pattern, value: pattern == value,
    "StringEqualsIgnoreCase": lambda pattern, value: pattern.lower() == value.lower(),
    "StringLike": lambda pattern, value: _like(pattern, value),
    "ArnEquals": lambda pattern, value: _like(pattern, value),
    "ArnLike": lambda pattern, value: _like(pattern, value),
    "Bool": lambda pattern, value: pattern.lower() == value.lower(),
    "NumericEquals": lambda pattern, value: float(value) == float(pattern),
    "NumericLessThan": lambda pattern, value: float(value) < float(pattern),
    "NumericLessThanEquals": lambda pattern, value: float(value) <= float(pattern),
    "NumericGreaterThan": lambda pattern, value: float(value) > float(pattern),
    "NumericGreaterThanEquals": lambda pattern, value: float(value) >= float(pattern),
}


def _principal(principal: Any, arn: str) -> bool:
    """A bucket policy's principal: everybody, the account, or the user or role (a session of it counts)."""
    if principal == "*":
        return True
    patterns = _list((principal or {}).get("AWS", []))
    account = arn.split(":")[4] if arn.count(":") > 4 else ""
    session = re.fullmatch(r"arn:aws:sts::(\d+):assumed-role/([^/]+)/.*", arn)
    role = f"arn:aws:iam::{session[1]}:role/{session[2]}" if session else arn
    return any(p in ("*", account, f"arn:aws:iam::{account}:root", arn, role) for p in patterns)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _like(pattern: str, value: str) -> bool:
    return _compiled(pattern).fullmatch(value) is not None


@lru_cache(1000)
def _compiled(pattern: str) -> re.Pattern[str]:
    if "${" in pattern:
        raise ValueError(f"the training host has no policy variables: {pattern}")
    return re.compile("".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern), re.DOTALL)
