"""What `verify` has to say, for people and machines."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from dataops.store.objects import Object
from dataops.versions.inventory import Subject, Use

State = Literal["missing", "damaged", "hostile"]


@dataclass(frozen=True)
class Finding:
    """An object that is not as it should be on the remote."""

    obj: Object
    state: State
    detail: str
    uri: str
    uses: tuple[Use, ...]
    """Versions and files it belongs to."""
    repaired: str = ""
    """Where it was restored from; then it is proven again."""
    notes: tuple[str, ...] = ()
    remote: str | None = None
    """The remote that dvc.yaml pins it to: the same object may be on several."""


@dataclass(frozen=True)
class Checked:
    """One version."""

    subject: Subject
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    objects: int
    inputs: int
    bad: int
    """Objects of its own that are missing or damaged, and not repaired."""
    bad_inputs: int

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with it, as far as was looked."""
        return not self.problems and not self.bad and not self.bad_inputs


@dataclass(frozen=True)
class Report:
    """What was found."""

    url: str
    versions: tuple[Checked, ...]
    findings: tuple[Finding, ...]
    objects: int
    read: int
    """Objects whose bytes were fetched and hashed."""
    unknown: int
    """Objects that are there, and whose store keeps no checksum that says more."""
    notes: tuple[str, ...] = field(default=())

    @property
    def sound(self) -> bool:
        """Whether everything is, now."""
        return all(version.sound for version in self.versions)

    def as_json(self) -> dict[str, Any]:
        """For machines."""
        return {
            "sound": self.sound,
            "remote": self.url,
            "objects": self.objects,
            "read": self.read,
            "unproven": self.unknown,
            "versions": [
                {
                    "version": one.subject.name,
                    "commit": one.subject.commit,
                    "sound": one.sound,
                    "objects": one.objects,
                    "inputs": one.inputs,
                    "bad": one.bad,
                    "bad_inputs": one.bad_inputs,
                    "problems": one.problems,
                    "notes": one.notes,
                }
                for one in self.versions
            ],
            "findings": [
                {
                    "hash": one.obj.digest,
                    "state": one.state,
                    "detail": one.detail,
                    "uri": one.uri,
                    "uses": [vars(use) for use in one.uses],
                    "repaired_from": one.repaired or None,
                    "notes": one.notes,
                }
                for one in self.findings
            ],
        }
