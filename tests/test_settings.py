"""dataops.settings: pyproject.toml, and the environment over it."""

from __future__ import annotations

import pytest

from dataops.errors import DataOpsError
from dataops.settings import load, project


def test_defaults_without_a_file(tmp_path):
    """Nothing has to be written down."""
    assert load(tmp_path, {}).train.backend == "local"


def test_the_environment_wins(tmp_path):
    """DATAOPS_A__B is [tool.dataops.a] b, whatever the file says."""
    (tmp_path / "pyproject.toml").write_text('[tool.dataops.train]\nbackend = "moon"\n')
    assert load(tmp_path, {"DATAOPS_TRAIN__BACKEND": "local", "DATAOPS_OTHER": "x"}).train.backend == "local"


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        ('[tool.dataops.train]\nbackend = "moon"\n', {}, "pyproject.toml: tool.dataops: train.backend: "),
        ("[tool.dataops.trian]\n", {}, "pyproject.toml: tool.dataops: unknown key trian"),
        ("[tool.dataops\n", {}, "pyproject.toml is not valid TOML"),
        (b"name = '\xff'", {}, "pyproject.toml is not valid TOML"),
        ("[tool]\ndataops = 3\n", {"DATAOPS_TRAIN__BACKEND": "local"}, "pyproject.toml: tool.dataops"),
        ("[tool]\ndataops = 3\n", {}, "pyproject.toml: tool.dataops: expected a section of keys, found int"),
        ("", {"DATAOPS_TRAIN__BAKEND": "local"}, "pyproject.toml: tool.dataops, with DATAOPS_* of the environment: "),
        ("", {"DATAOPS_TRAIN__BACKEND": "3"}, "pyproject.toml: tool.dataops, with DATAOPS_* of the environment: "),
        ('[tool.dataops.train]\nbackend = "local"\n', {"DATAOPS_TRAIN__BACKEND__X": "1"}, "pyproject.toml: "),
        ("", {"DATAOPS_TRAIN_BACKEND": "local"}, "DATAOPS_TRAIN_BACKEND in the environment is no setting"),
        (
            '[tool.dataops.train.sagemaker]\noutput = "/tmp"\n',
            {},
            "pyproject.toml: tool.dataops: train.sagemaker: output",
        ),
        *(
            (f"[tool.dataops.train.sagemaker.{key}\n", {}, f"pyproject.toml: tool.dataops: train.sagemaker{what}")
            for key, what in [
                ('usd_per_hour]\n"ml.m5.large" = -1', ".usd_per_hour.ml.m5.large: "),
                ('metrics]\n"validation:loss" = "("', ": metrics: validation:loss is '('"),
                ('metrics]\n"validation:loss" = "loss"', ": metrics: validation:loss is 'loss'"),
            ]
        ),
    ],
)
def test_one_line(tmp_path, text, environ, message):
    """A wrong key or value is one line that says whether the environment had a part in it."""
    (tmp_path / "pyproject.toml").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataOpsError) as error:
        load(tmp_path, environ)
    assert error.value.message.startswith(message)
    assert "\n" not in error.value.message


def test_not_utf8(tmp_path):
    """Bytes of another encoding are no traceback."""
    (tmp_path / "pyproject.toml").write_bytes("[project]\nname = 'Käse'\n".encode("latin-1"))
    with pytest.raises(DataOpsError, match=r"pyproject\.toml is not valid TOML"):
        load(tmp_path, {})


@pytest.mark.parametrize("text", ["tool = 3\n", "project = 3\n", '[project]\nname = ""\n'])
def test_tables_that_are_none(tmp_path, text):
    """What isn't a table has nothing of ours; the folder names the project."""
    (tmp_path / "pyproject.toml").write_text(text)
    assert load(tmp_path, {}).train.backend == "local"
    assert project(tmp_path) == tmp_path.name
