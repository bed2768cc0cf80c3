"""Every command in the order of the work: the module that has it, and the line that `dataops --help` tells of it."""

from __future__ import annotations

COMMANDS = {
    "adopt": ("adopt", "point the template at your own data: infers the contract, writes params.yaml"),
    "ingest": ("ingest", "bring new data in: sample, files, s3://, a paged HTTP API"),
    "exclude": ("ingest", "leave rows out by key, with the reason; without arguments: list them"),
    "train": ("train", "train the model where [tool.dataops.train] backend says"),
    "release": ("release", "a new version of an artifact, or a clear reason why not"),
    "track": ("release", "a single file as an artifact of its own"),
    "versions": ("versions", "every version: when, who, how much, and what changed"),
    "show": ("versions", "everything about one version"),
    "compare": ("compare", "what differs between two versions"),
    "drift": ("drift", "has the data moved between two versions; pin a reference"),
    "get": ("get", "a version's bytes, verified, into a folder"),
    "uri": ("get", "where a version lies on the remote"),
    "verify": ("verify", "is a version still all there?"),
    "promote": ("versions", "give a version a stage, as prod"),
    "deprecate": ("versions", "take a version back: `latest` passes it over, it stays readable"),
    "publish": ("publish", "a readable copy of a version, made inside S3"),
    "lineage": ("lineage", "which data made this, and what else it reached"),
    "reproduce": (
        "reproduce",
        "run what made a version again: identical, equivalent or different, and in which stage first",
    ),
    "check": ("check", "what the pre-commit hook runs: would this commit lose or leak data?"),
    "watch": ("watch", "log data changes as they happen"),
    "hook": ("hook", "what git's hooks run; `hook install` puts them in"),
    "store": ("store", "the embedded S3 server: up, down, status, connect, serve"),
    "remote": ("remote", "the team's bucket: use, show"),
    "doctor": ("doctor", "is everything in place?"),
    "gc": ("gc", "remove what no release, branch or tag needs; shows first"),
    "import": ("importing", "old versions out of a bucket or a registry of files"),
}
