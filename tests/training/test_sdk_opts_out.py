""".sagemaker/config.yaml: with it the SageMaker SDK does not call home."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from workbench import ROOT

# A call of the SDK's own ModelTrainer, which reports success and failure alike. AWS is a port of this machine where
# nobody listens, and what the SDK would fetch is printed instead: nothing leaves this machine, opted out or not.
CALL = """
import threading, requests
fetched = []
requests.get = lambda url, **_: fetched.append(url)
import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.training.configs import OutputDataConfig
from sagemaker.train import ModelTrainer
session = Session(boto_session=boto3.Session(region_name="eu-west-1"))
trainer = ModelTrainer(
    training_image="image:1", role="arn:aws:iam::123456789012:role/train", sagemaker_session=session,
    output_data_config=OutputDataConfig(s3_output_path="s3://bucket/jobs"))
try:
    trainer.train(wait=False)
except Exception as error:
    print("failed:", type(error).__name__)
for thread in threading.enumerate():
    if thread.name == "sagemaker-telemetry":
        thread.join(30)
print(*fetched, sep="\\n")
"""


def fetched(folder: Path, **more: str) -> list[str]:
    """The addresses that the SDK would have contacted during a call."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "SAGEMAKER_", "XDG_"))}
    nowhere = {
        "AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_MAX_ATTEMPTS": "1", "AWS_EC2_METADATA_DISABLED": "true", "SAGEMAKER_VALIDATE_ROLE": "false",
        "HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "XDG_CONFIG_DIRS": str(folder)}  # fmt: skip
    done = subprocess.run([sys.executable, "-c", CALL], env=kept | nowhere | more, cwd=folder, capture_output=True,
                          text=True, check=True)  # fmt: skip
    lines = done.stdout.split()
    assert lines[0] == "failed:", done.stdout  # the call itself was made, and came to the port where nobody listens
    return lines[2:]


def test_the_sdk_calls_home_unless_told(tmp_path: Path):
    """Without the file a call is reported: what the next test proves could fail."""
    assert [url for url in fetched(tmp_path) if "telemetry" in url]


def test_the_file_opts_out(tmp_path: Path):
    """With the variable that the Makefile and the launcher set, nothing is fetched at all."""
    assert fetched(tmp_path, SAGEMAKER_USER_CONFIG_OVERRIDE=str(ROOT / ".sagemaker/config.yaml")) == []


def test_make_sets_it():
    """Every command that make starts has it, and its path is absolute."""
    asked = ["make", "--no-print-directory", "-f", "-", "show"]
    rules = f"include {ROOT / 'Makefile'}\nshow:\n\t@echo $$SAGEMAKER_USER_CONFIG_OVERRIDE\n"
    done = subprocess.run(asked, input=rules, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str(ROOT / ".sagemaker/config.yaml")
