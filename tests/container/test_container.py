"""`docker compose up` from a fresh clone, used as a person does. One clone for all tests, which come in order."""

from __future__ import annotations

import gzip
import json
import mmap
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from checkout import SMALL
from composition import Composition, composition, environment

pytestmark = [pytest.mark.container, pytest.mark.timeout(1800)]
MARKER = "a-password-of-the-package-mirror"
NAME, EMAIL = "Pat O'Neil & Söhne $5 #1", "pat@example.com"


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Composition]:
    """Up, with a small sample through the pipeline, pushed."""
    quoted = NAME.replace("'", "\\'")
    identity = [f"DATAOPS_GIT_NAME='{quoted}'", f"DATAOPS_GIT_EMAIL={EMAIL}"]
    folder = tmp_path_factory.mktemp("container")
    given = os.environ.get("DATAOPS_PIP_CONF")
    configuration = Path(given).read_text() if given else "[global]\n"
    (folder / "pip.conf").write_text(f"{configuration}\n# {MARKER}\n")
    with composition(folder / "My Shop", [*identity, f"DATAOPS_PIP_CONF={folder / 'pip.conf'}"]) as made:
        made.compose("up", "--detach", "--build", "--wait")
        made.inside(f"dataops ingest sample {' '.join(SMALL)}")
        said = made.inside("make repro")
        assert "Done." in said
        assert made.settings()["DATAOPS_S3_PORT"] in said
        yield made


def objects(shop: Composition) -> int:
    """How much the volume of the S3 holds, in kB."""
    said = shop.run("docker", "exec", shop.container("s3"), "du", "-sk", "/store").stdout
    return int(said.split()[0])


def restored(shop: Composition, folder: Path, *lost: str) -> Composition:
    """The clone as the host has it, without DVC's cache and without these paths."""
    shutil.copytree(shop.path, folder, symlinks=True)
    if os.getuid() == 0:
        subprocess.run(["chown", "-R", "0:0", str(folder)], check=True)
    for name in (*lost, ".dvc/cache"):
        shutil.rmtree(folder / name, ignore_errors=True)
    return Composition(folder, shop.uid)


def test_dvc_works_inside(shop: Composition):
    """Everything is recorded, pushed, and nothing is left to do."""
    assert "Data and pipelines are up to date" in shop.inside("dvc status")
    assert "Data and pipelines are up to date" in shop.inside("dvc repro --dry")
    assert "Everything is up to date" in shop.inside("dvc push")
    assert "in sync" in shop.inside("dvc status -c")
    assert "Nothing changed" in shop.inside("make repro")
    assert shop.inside("dvc config cache.dir || dvc cache dir").strip() == "/cache/dvc"
    there = "import urllib.request; print(urllib.request.urlopen('http://s3:8333/healthz').status)"
    assert shop.inside(f'python -c "{there}"').strip() == "200"
    assert ", 0 wrong" in shop.inside("dataops doctor --offline")
    assert shop.inside("bash -lc 'command -v dvc; echo $HOME'").split() == ["/opt/venv/bin/dvc", "/home/dev"]


def test_a_commit_that_leaks_data_is_refused(shop: Composition):
    """The hooks run in the container's environment."""
    shop.inside("printf 'a,b\\n1,2\\n' >mine.csv && git add mine.csv")
    assert "DATA001" in shop.inside("git commit -m leak", status=1)
    shop.inside("git reset -q && rm mine.csv")


def test_a_commit_and_a_release(shop: Composition):
    """In the name that the host's git has."""
    shop.inside("git add data/landing.dvc data/exclusions.csv.dvc dvc.lock reports && git commit -qm 'Data and model'")
    assert shop.inside("git log -1 --format='%an <%ae>'").strip() == f"{NAME} <{EMAIL}>"
    assert "dataset@v1.0.0 is released" in shop.inside("dataops release --no-push")
    assert "v1.0.0" in shop.inside("dataops versions")
    assert shop.inside("git status --short") == ""


def test_what_the_container_writes_is_the_hosts(shop: Composition):
    """Every file of the repository belongs to the person, the pipeline's and git's own."""
    found = {path for path in shop.path.rglob("*") if path.lstat().st_uid != shop.uid}
    assert found == set()


def test_the_host_pulls_from_the_same_store(shop: Composition, tmp_path: Path):
    """With the configuration that the container wrote, as it is."""
    host = restored(shop, tmp_path / "host", "data/raw", "data/dataset", "models")
    host.run("dvc", "pull", "-q")
    assert "Data and pipelines are up to date" in host.run("dvc", "status").stdout
    assert json.loads(host.run("dataops", "store", "status", "--json").stdout)["compose"] is True
    refused = host.run("dataops", "store", "down", status=1)
    assert "compose runs the server" in refused.stderr


def test_down_and_up_keeps_cache_and_data(shop: Composition):
    """Containers go, volumes stay."""
    before = shop.container("dvc")
    shop.compose("down")
    shop.compose("up", "--detach", "--wait")
    assert shop.container("dvc") != before
    assert "in sync" in shop.inside("dvc status -c")
    shop.inside("rm -rf data/dataset && dvc checkout -q && git diff --exit-code && dvc status -q")
    assert "none missing, none damaged" in shop.inside("dataops verify --read-data")


def test_the_store_is_killed_during_a_push(shop: Composition):
    """kill -9 of its container; started again, pushed again, complete and every byte as it was."""
    shop.inside("head -c 400000000 /dev/urandom >noise.bin && dataops track noise.bin --name noise --description x")
    shop.inside("git add -A && git commit -qm Noise")
    before = objects(shop)
    push = shop.begin("dvc push -q")
    deadline = time.monotonic() + 120
    while objects(shop) < before + 50_000:
        assert push.poll() is None, "the push was over before it could be interrupted"
        assert time.monotonic() < deadline
    assert objects(shop) < before + 350_000
    shop.run("docker", "kill", "--signal", "KILL", shop.container("s3"))
    shop.compose("up", "--detach", "--wait")
    push.wait(600)
    shop.inside("dvc push -q")
    assert "in sync" in shop.inside("dvc status -c")
    assert "noise@v1.0.0 is released" in shop.inside("dataops release noise --no-push")
    assert "none missing, none damaged" in shop.inside("dataops verify --all --read-data")


def test_only_s3_answers_and_on_loopback_only(shop: Composition):
    """From the host: one published port on 127.0.0.1; of the containers' own addresses port 8333 of s3."""
    port = int(shop.settings()["DATAOPS_S3_PORT"])
    published = {}
    for service, expected in (("s3", [8333]), ("dvc", [])):
        seen = json.loads(shop.run("docker", "inspect", shop.container(service)).stdout)[0]
        (network,) = seen["NetworkSettings"]["Networks"].values()
        assert answering(network["IPAddress"]) == expected, service
        published |= {key: value for key, value in seen["NetworkSettings"]["Ports"].items() if value}
        assert seen["HostConfig"]["CapDrop"] == ["ALL"]
        assert seen["HostConfig"]["Memory"] > 0
        assert seen["HostConfig"]["PidsLimit"] > 0
    assert published == {"8333/tcp": [{"HostIp": "127.0.0.1", "HostPort": str(port)}]}
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) == 0
    shop.run("curl", "-sf", f"http://127.0.0.1:{port}/dataops/dvc/files", status=22)  # and not without keys


def answering(address: str) -> list[int]:
    """Which TCP ports take a connection."""

    def open_(port: int) -> bool:
        with socket.socket() as probe:
            probe.settimeout(2)
            return probe.connect_ex((address, port)) == 0

    with ThreadPoolExecutor(64) as pool:
        return [port for port, is_open in enumerate(pool.map(open_, range(1, 65536)), start=1) if is_open]


def test_no_secret_is_in_the_image(shop: Composition, tmp_path: Path):
    """Neither in a layer nor in its history: keys, the configuration of the build, `.env`, git's history, data."""
    image = f"{shop.settings()['COMPOSE_PROJECT_NAME']}-tools"
    history = shop.run("docker", "history", "--no-trunc", image).stdout
    layers = saved(shop, image, tmp_path)
    wanted = [shop.settings()[name] for name in ("DATAOPS_S3_ACCESS_KEY_ID", "DATAOPS_S3_SECRET_ACCESS_KEY")]
    for secret in (*wanted, MARKER):
        assert secret not in history
        assert not any(holds(layer, secret) for layer in layers)
    assert any(holds(layer, "S3 at the same loopback address as on the host") for layer in layers)  # it can find
    names = shop.compose(
        "run", "--rm", "--no-deps", "-T", "--entrypoint", "find", "s3", "/opt/dataops", "/home", "/cache"
    )
    found = {Path(name).name for name in names.splitlines()}
    assert "dvc.sh" in found
    assert not {".env", ".git", ".venv", "data", "config.local"} & found


def saved(shop: Composition, image: str, folder: Path) -> list[Path]:
    """The layers of an image as files that nothing compresses."""
    shop.run("docker", "save", "-o", str(folder / "image.tar"), image)
    subprocess.run(["tar", "xf", folder / "image.tar", "-C", folder], check=True)
    (folder / "image.tar").unlink()
    layers = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
    for path in layers:
        with path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
        if packed:
            with gzip.open(path) as source, path.with_suffix(".plain").open("wb") as target:
                shutil.copyfileobj(source, target)
            path.with_suffix(".plain").replace(path)
    return layers


def holds(path: Path, text: str) -> bool:
    """Whether the file has these bytes somewhere."""
    if not path.stat().st_size:
        return False
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return content.find(text.encode()) >= 0


def test_a_second_build_takes_over_the_environment(shop: Composition):
    """A changed source is one small layer; the packages aren't installed again."""
    image = f"{shop.settings()['COMPOSE_PROJECT_NAME']}-tools"

    def layers() -> list[str]:
        return json.loads(shop.run("docker", "image", "inspect", image).stdout)[0]["RootFS"]["Layers"]

    before = layers()
    with (shop.path / "src/dataops/archive.py").open("a") as file:
        file.write("# another line\n")
    shop.compose("build")
    after = layers()
    assert after != before
    assert len(after) == len(before)
    same = next(number for number, pair in enumerate(zip(before, after, strict=True)) if pair[0] != pair[1])
    sizes = shop.run("docker", "history", "--format", "{{.Size}} {{.CreatedBy}}", image).stdout.splitlines()
    assert any("/opt/venv" in line and "MB" in line for line in sizes)
    assert same >= 4  # base, apt, environment, user
    shop.compose("up", "--detach", "--wait")


def test_another_users_volume_is_said(shop: Composition):
    """A cache that another uid made can't be written; the container says so and how to go on."""
    shop.compose("down")
    other = shop.uid + 1
    env = shop.path / ".env"
    env.write_text(env.read_text().replace(f"_UID={shop.uid}\n", f"_UID={other}\n"))
    shop.compose("up", "--detach", "--build", "--wait", status=1)
    said = shop.compose("logs", "s3", "dvc")
    assert f"belongs to user {shop.uid}, and this is user {other}" in said
    env.write_text(env.read_text().replace(f"_UID={other}\n", f"_UID={shop.uid}\n"))
    shop.compose("up", "--detach", "--build", "--wait")
    assert "in sync" in shop.inside("dvc status -c")


def test_the_environment_is_the_images(shop: Composition):
    """`make` finds it, and says when the image has other pins than the tree."""
    assert "no `docker compose`" not in shop.inside("make install")
    shop.inside("cp requirements/main.txt /tmp/pins && echo attrs==1.0 >>requirements/main.txt")
    assert "other packages than requirements/main.txt" in shop.inside("make repro", status=2)
    shop.inside("cp /tmp/pins requirements/main.txt")
    assert "other packages than requirements/dev.txt" in shop.inside("make test", status=2)


def test_the_hosts_hooks_stay_the_hosts(shop: Composition):
    """A container that is started where the host has installed its hooks uses them as they are."""
    hooks = shop.path / ".git/hooks"
    for path in (hooks / "pre-commit", hooks / "pre-push"):
        path.write_text(path.read_text().replace("/opt/venv/bin/python", "/home/pat/shop/.venv/bin/python3.11"))
    before = {path.name: path.read_bytes() for path in hooks.iterdir()}
    shop.compose("restart", "dvc")
    shop.compose("up", "--detach", "--wait")
    assert {path.name: path.read_bytes() for path in hooks.iterdir()} == before
    shop.inside("printf 'a,b\\n1,2\\n' >mine.csv && git add mine.csv")
    assert "DATA001" in shop.inside("git commit -m leak", status=1)
    shop.inside("git reset -q && rm mine.csv")


def test_a_copied_folder_leaves_the_first_ones_containers_alone(shop: Composition, tmp_path: Path):
    """It has the same .env, so `make up` in it would mount it in their place."""
    (tmp_path / "scripts").mkdir()
    for name in (".env", "scripts/compose_env.sh", "docker-compose.yml"):
        shutil.copy(shop.path / name, tmp_path / name)
    copy = Composition(tmp_path, shop.uid)
    before = shop.container("dvc")
    assert f"names the containers of {shop.path}" in copy.run("bash", "scripts/compose_env.sh", status=2).stderr
    (tmp_path / ".env").unlink()
    copy.run("bash", "scripts/compose_env.sh")
    assert copy.settings()["COMPOSE_PROJECT_NAME"] != shop.settings()["COMPOSE_PROJECT_NAME"]
    shop.run("bash", "scripts/compose_env.sh")
    assert shop.container("dvc") == before


def test_without_env_compose_says_what_to_run(tmp_path: Path):
    """One line, with the command."""
    shutil.copy(Path(__file__).parents[2] / "docker-compose.yml", tmp_path)
    done = subprocess.run(
        ["docker", "compose", "up", "--detach"], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.returncode != 0
    assert "make up" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
