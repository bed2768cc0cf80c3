"""What AWS refuses before a training job exists: the limits of botocore's service model, and rules between members."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

import botocore.session

from host.wire import AwsError

NOT_BUILT = "HostNotBuilt"


def check(request: dict[str, Any]) -> None:
    """A CreateTrainingJob request as AWS would take it.

    Raises:
        AwsError: ValidationException in AWS's words, or HostNotBuilt for what this host can't run.
    """
    found = list(_violations(request, _shape(), ""))
    if found:
        plural = "error" if len(found) == 1 else "errors"
        raise AwsError("ValidationException", f"{len(found)} validation {plural} detected: {'; '.join(found)}")
    stop = request.get("StoppingCondition") or {}
    for name in ("ResourceConfig", "StoppingCondition"):
        if not request.get(name):
            raise AwsError("ValidationException", f"{name} is required.")
    if request.get("EnableManagedSpotTraining"):
        wait = stop.get("MaxWaitTimeInSeconds")
        if wait is None or wait < stop.get("MaxRuntimeInSeconds", 86400):
            message = "MaxWaitTimeInSeconds must be present and at least MaxRuntimeInSeconds with managed spot training"
            raise AwsError("ValidationException", message)
    elif "MaxWaitTimeInSeconds" in stop:
        raise AwsError("ValidationException", "MaxWaitTimeInSeconds is for managed spot training only")
    names = [channel["ChannelName"] for channel in request.get("InputDataConfig") or []]
    if len(set(names)) < len(names):
        raise AwsError("ValidationException", "Channel names must be unique")
    keys = [tag["Key"] for tag in request.get("Tags") or []]
    if len(set(keys)) < len(keys):
        raise AwsError("ValidationException", "Duplicate tag keys found.")
    _runnable(request)


def _runnable(request: dict[str, Any]) -> None:
    machine, algorithm = request["ResourceConfig"], request["AlgorithmSpecification"]
    odd = {
        "several instances": machine.get("InstanceCount", 1) != 1 or machine.get("InstanceGroups"),
        "AlgorithmName": not algorithm.get("TrainingImage"),
        "a container's own entry point": algorithm.get("ContainerEntrypoint") or algorithm.get("ContainerArguments"),
        "uncompressed output": request["OutputDataConfig"].get("CompressionType", "GZIP") != "GZIP",
        "retries": request.get("RetryStrategy"),
    }
    for channel in request.get("InputDataConfig") or []:
        mode = channel.get("InputMode") or algorithm["TrainingInputMode"]
        source = channel["DataSource"].get("S3DataSource")
        kind = source and source["S3DataType"]
        if kind == "ManifestFile" and mode == "FastFile":
            raise AwsError(
                "ValidationException", "FastFile mode needs the S3DataType S3Prefix"
            )  # our words, AWS's rule
        odd[f"input mode {mode}"] = mode != "File"
        odd[f"data source {kind}"] = kind not in ("ManifestFile", "S3Prefix")
        odd["compressed channels"] = channel.get("CompressionType", "None") != "None"
    for what, wanted in odd.items():
        if wanted:
            raise AwsError(NOT_BUILT, f"the training host has no {what}")


@functools.cache
def _shape() -> Any:
    return (
        botocore.session.get_session().get_service_model("sagemaker").operation_model("CreateTrainingJob").input_shape
    )


def _violations(value: Any, shape: Any, path: str) -> Iterator[str]:
    """The sentences of AWS's message, each with the path in lower camel case."""
    limits, where = shape.metadata, f"at '{path}' failed to satisfy constraint: Member must"
    if shape.type_name == "structure":
        yield from _structure(value, shape, path)
    elif shape.type_name in ("list", "map"):
        yield from _length(len(value), value, limits, where)
        if shape.type_name == "map":
            for key in value:
                yield from _violations(key, shape.key, path)
        inner = enumerate(value, 1) if shape.type_name == "list" else value.items()
        for name, each in inner:
            yield from _violations(each, shape.member if shape.type_name == "list" else shape.value, f"{path}.{name}")
    elif shape.type_name == "string":
        yield from _length(len(value), value, limits, where)
        if shape.enum and value not in shape.enum:
            yield f"Value '{value}' {where} satisfy enum value set: [{', '.join(shape.enum)}]"
        pattern = limits.get("pattern")
        if pattern and not _python(pattern).fullmatch(value):
            yield f"Value '{value}' {where} satisfy regular expression pattern: {pattern}"
    elif shape.type_name in ("integer", "long"):
        for limit, word, wrong in (("min", "greater", int.__lt__), ("max", "less", int.__gt__)):
            if limit in limits and wrong(value, limits[limit]):
                yield f"Value '{value}' {where} have value {word} than or equal to {limits[limit]}"


def _structure(value: dict[str, Any], shape: Any, path: str) -> Iterator[str]:
    for name in shape.required_members:
        if name not in value:
            yield f"Value null at '{_join(path, name)}' failed to satisfy constraint: Member must not be null"
    for name, inner in value.items():
        if name not in shape.members:
            raise AwsError("SerializationException", f"unknown member {_join(path, name)}")
        yield from _violations(inner, shape.members[name], _join(path, name))


def _length(length: int, value: Any, limits: dict[str, Any], where: str) -> Iterator[str]:
    if length < limits.get("min", 0):
        yield f"Value '{value}' {where} have length greater than or equal to {limits['min']}"
    if length > limits.get("max", length):
        yield f"Value '{value}' {where} have length less than or equal to {limits['max']}"


def _join(path: str, name: str) -> str:
    return ".".join(filter(None, (path, name[0].lower() + name[1:])))


@functools.cache
def _python(pattern: str) -> re.Pattern[str]:
    """Java's classes in Python's words; `\\w` is letters, numbers and `_`, which every pattern with `\\p{L}` allows."""
    for java, python in ((r"\p{L}", r"\w"), (r"\p{N}", r"\d"), (r"\p{Z}", r"\s"), (r"\p{M}", "")):
        pattern = pattern.replace(java, python)
    return re.compile(pattern, re.DOTALL)
