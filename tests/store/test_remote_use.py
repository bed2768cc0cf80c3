"""`dataops remote use` against a real S3 server as the team's bucket: what works, and every way in which it doesn't."""

from __future__ import annotations

import http.server
import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from servers import contents
from servers import remote as remote_at

from dataops.errors import DataOpsError
from dataops.store import dvcconfig, embedded, local, remote, s3, state
from dataops.store.state import Place


def files(root: Path) -> dict[str, bytes | None]:
    """Both configuration files as they are."""
    paths = [root / ".dvc/config", root / ".dvc/config.local"]
    return {path.name: path.read_bytes() if path.is_file() else None for path in paths}


@pytest.fixture
def team(shared, monkeypatch):
    """The bucket `dataops` of another server, its keys in the environment as a person would have them."""
    there = remote_at(shared)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", there.access_key_id)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", there.secret_access_key)
    return there


@pytest.fixture
def root(clone, shared):
    """A clone whose default is the embedded store."""
    path = clone()
    local.attach(path, state.load(Place(shared)))
    return path


def test_replaces_the_placeholder_and_leaves_the_embedded_store(root, team):
    """URL, endpoint and region are committed, keys never; what else stood there stays; the probe is gone again."""
    config = root / ".dvc/config"
    config.write_text("# ours\n" + config.read_text() + "['remote \"archive\"']\n    url = /mnt/archive  # tapes\n")
    (root / ".dvc/config.local").write_text((root / ".dvc/config.local").read_text() + "[cache]\n    dir = /mnt/c\n")
    assert remote.is_template(root)
    used = remote.use(root, "s3://dataops/team/", endpoint_url=team.endpoint_url, region="eu-central-1")
    text = config.read_text()
    assert not remote.is_template(root)
    assert text.startswith("# ours\n")
    assert "url = /mnt/archive    # tapes" in text
    assert "url = s3://dataops/team\n" in text
    assert team.secret_access_key not in text
    assert team.access_key_id not in text
    assert (root / ".dvc/config.local").read_text() == "[cache]\n    dir = /mnt/c\n"
    found = remote.default(root)
    assert (found.remote.name, found.embedded, found.template) == ("storage", False, False)
    assert (found.remote.region, found.remote.endpoint_url) == ("eu-central-1", team.endpoint_url)
    assert (found.remote.defined_in, found.chosen_in) == (".dvc/config", ".dvc/config")
    assert contents_below(root, "team/") == {}
    assert "dvc fetch --all-branches --all-tags -r embedded" in used.bring
    assert "is this machine" in used.notes[-1]


def contents_below(root: Path, prefix: str) -> dict[str, bytes]:
    """What the new remote holds."""
    there = remote.default(root).remote
    listed = s3.client(there).list_objects_v2(Bucket=there.bucket, Prefix=prefix)
    return {entry["Key"]: b"" for entry in listed.get("Contents", ())}


def test_a_second_bucket_takes_nothing_over_from_the_first(root, team):
    """Endpoint and region of the old one would lead the new one astray; a URL in config.local would win over it."""
    remote.use(root, "s3://dataops/one", endpoint_url=team.endpoint_url, region="eu-central-1")
    (root / ".dvc/config.local").write_text("['remote \"storage\"']\n    url = s3://elsewhere/x\n    jobs = 4\n")
    used = remote.use(root, "s3://our-bucket/two", profile="work", check=False)
    assert (used.checked, used.remote.endpoint_url, used.remote.region) == (False, None, None)
    assert used.remote.profile == "work"
    assert "profile" not in (root / ".dvc/config").read_text()
    local_text = (root / ".dvc/config.local").read_text()
    assert "profile = work" in local_text
    assert "jobs = 4" in local_text
    assert "elsewhere" not in local_text
    assert used.notes == ()
    assert used.bring == ()


def test_a_profile_signs_in(root, team, tmp_path, monkeypatch):
    """--profile is used for the check, as dvc will use it; AWS_ENDPOINT_URL has no say, and is warned of."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    credentials = tmp_path / "home/.aws/credentials"
    credentials.parent.mkdir(parents=True)
    credentials.write_text(
        f"[work]\naws_access_key_id={team.access_key_id}\naws_secret_access_key={team.secret_access_key}\n"
    )
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    remote.use(root, "s3://dataops/team", endpoint_url=team.endpoint_url, profile="work")
    used = remote.use(root, "s3://our-bucket/x", check=False)
    assert "AWS_ENDPOINT_URL is set" in used.notes[0]


def test_keys_in_config_local_would_win_over_a_profile(root):
    """Said before anything changes, with the command that removes them."""
    path = root / ".dvc/config.local"
    path.write_text(path.read_text() + "['remote \"storage\"']\n    access_key_id = MINE\n")
    before = files(root)
    with pytest.raises(DataOpsError, match="wins over --profile") as caught:
        remote.use(root, "s3://our-bucket/x", profile="work", check=False)
    assert "--unset storage access_key_id" in caught.value.hint
    assert files(root) == before


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("our-bucket/x", "is no S3 URL"),
        ("https://our-bucket.s3.amazonaws.com/x", "is no S3 URL"),
        ("s3://", "is no S3 URL"),
        ("s3://Our_Bucket/x", "is no S3 URL"),
        ("s3://key:secret@bucket/x", "is no S3 URL"),
        ("s3://replace-me/dvc", "placeholder"),
        ("s3://our-bucket/a b", "can't keep"),
        ("s3://our-bucket/a//b", "can't keep"),
    ],
)
def test_bad_urls(root, url, message):
    """Refused before anything is tried, with --no-check too."""
    before = files(root)
    with pytest.raises(DataOpsError, match=message) as caught:
        remote.use(root, url, check=False)
    assert caught.value.hint
    assert files(root) == before


@pytest.mark.parametrize(
    ("endpoint", "message"),
    [
        ("localhost:9000", "is no endpoint URL"),
        ("http://host:99999", "is no endpoint URL"),
        ("https://me:secret@host", "holds a password"),
    ],
)
def test_bad_endpoints(root, endpoint, message):
    """A password in it would be committed."""
    before = files(root)
    with pytest.raises(DataOpsError, match=message):
        remote.use(root, "s3://our-bucket/x", endpoint_url=endpoint, check=False)
    assert files(root) == before


def refused(root: Path, bucket: str, endpoint: str | None, **options: str) -> DataOpsError:
    """The error of a check that fails; asserts that it is one line with a hint and that nothing changed."""
    before = files(root)
    with pytest.raises(DataOpsError) as caught:
        remote.use(root, f"s3://{bucket}/team", endpoint_url=endpoint, **options)
    assert files(root) == before
    assert caught.value.status == 2
    assert caught.value.hint
    assert "\n" not in caught.value.message
    return caught.value


def test_no_such_bucket(root, team):
    """Listing says so first; nothing is created."""
    assert "there is no bucket no-such-bucket" in refused(root, "no-such-bucket", team.endpoint_url).message


def test_no_credentials(root, shared):
    """Nobody has signed in."""
    error = refused(root, "dataops", remote_at(shared).endpoint_url)
    assert "found no AWS credentials" in error.message
    assert "AWS_ACCESS_KEY_ID" in error.hint


def test_wrong_credentials(root, team, monkeypatch):
    """Known key, wrong secret; unknown key; keys that config.local names."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    assert "SignatureDoesNotMatch" in refused(root, "dataops", team.endpoint_url).message
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "UNKNOWN")
    assert "InvalidAccessKeyId" in refused(root, "dataops", team.endpoint_url).message
    path = root / ".dvc/config.local"
    path.write_text(
        path.read_text() + "['remote \"storage\"']\n    access_key_id = MINE\n    secret_access_key = mine\n"
    )
    assert "config.local" in refused(root, "dataops", team.endpoint_url).hint


def test_no_such_profile(root, team):
    """The name is in the line."""
    error = refused(root, "dataops", team.endpoint_url, profile="nobody")
    assert "nobody" in error.message
    assert "list-profiles" in error.hint


def test_nobody_answers(root, team):
    """A closed port, a name that doesn't resolve, TLS where there is none."""
    assert "can't reach http://127.0.0.1:1" in refused(root, "dataops", "http://127.0.0.1:1").message
    assert "can't reach http://nowhere.invalid" in refused(root, "dataops", "http://nowhere.invalid").message
    tls = team.endpoint_url.replace("http:", "https:")
    assert f"can't reach {tls}" in refused(root, "dataops", tls).message


def test_something_else_answers(root, team, tmp_path):
    """A web server that isn't S3: 200 and HTML."""
    (tmp_path / "web").mkdir()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"<html><body>welcome")

        def log_message(self, *_):
            """Quiet."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        endpoint = f"http://127.0.0.1:{server.server_port}"
        assert f"{endpoint} answered 500" in refused(root, "dataops", endpoint).message
        server.shutdown()


@pytest.mark.parametrize(
    ("action", "doing"),
    [
        ("s3:ListBucket", "list"),
        ("s3:PutObject", "write"),
        ("s3:GetObject", "read"),
        ("s3:DeleteObject", "delete"),
    ],
)
def test_access_denied(root, team, shared, action, doing):
    """A bucket policy takes away one permission: the line names the one that is missing, and no probe stays unsaid."""
    bucket = f"no-{doing}"
    client = s3.client(team)
    client.create_bucket(Bucket=bucket)
    resource = [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]
    statement = {"Effect": "Deny", "Principal": "*", "Action": [action], "Resource": resource}
    client.put_bucket_policy(Bucket=bucket, Policy=json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    error = refused(root, bucket, team.endpoint_url)
    assert f"access denied: may not {doing}" in error.message
    assert action in error.hint
    client.delete_bucket_policy(Bucket=bucket)
    left = [entry["Key"] for entry in client.list_objects_v2(Bucket=bucket).get("Contents", ())]
    assert len(left) == (1 if doing == "delete" else 0)
    assert all(key in error.message for key in left)


def test_the_embedded_store_keeps_its_data(root, team, shared):
    """Leaving it is no deletion, and its server goes on."""
    client = s3.client(team)
    client.put_object(Bucket="dataops", Key="dvc/kept", Body=b"1")
    remote.use(root, "s3://dataops/team", endpoint_url=team.endpoint_url)
    assert embedded.status(shared).running
    assert contents(shared, "dvc/kept") == {"dvc/kept": b"1"}


def test_default_in_repositories_of_other_kinds(clone):
    """No remote at all; one that is only named; a default of this clone's own."""
    root = clone()
    (root / ".dvc/config").write_text("")
    assert remote.default(root) is None
    assert remote.is_template(root)
    (root / ".dvc/config").write_text("[core]\nremote = lost\n")
    with pytest.raises(DataOpsError, match="makes lost the default"):
        remote.default(root)
    (root / ".dvc/config").write_text("[core\nbroken")
    with pytest.raises(DataOpsError, match="can't be read"):
        remote.default(root)
    (root / ".dvc/config").write_text("[core]\nremote = storage\n['remote \"storage\"']\nurl = s3://team/x\n")
    (root / ".dvc/config.local").write_text("[core]\nremote = lab\n['remote \"lab\"']\nurl = /mnt/lab\n")
    found = remote.default(root)
    assert (found.remote.name, found.chosen_in, found.remote.defined_in) == ("lab", *[".dvc/config.local"] * 2)
    assert remote.use(root, "s3://our-bucket/x", check=False).notes == (
        "the default remote in this clone stays lab, as .dvc/config.local says",
    )


def test_keys_are_never_shown(shared):
    """Not even by accident, in a traceback or a log."""
    there = remote_at(shared)
    assert there.secret_access_key not in repr(there)
    assert replace(there, url="s3://b").prefix == ""
    assert dvcconfig.Remote("x", "s3://b/p/q/").prefix == "p/q"
