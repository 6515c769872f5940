"""boto3's batch jobs and files, in both generations, against a running gateway and a real S3 (moto's server)."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import config_for
from running import Process, gateway
from running_s3 import S3

HERE = Path(__file__).parent
GENERATIONS = {"newest": Path(sys.executable), "era": HERE.parents[1] / ".envs" / "era" / "bin" / "python"}
SCENARIOS = (
    "files", "parts", "listing", "own_bucket", "real_bucket", "folder", "formats", "across", "jobs", "stop",
    "idempotent", "mistakes", "undelivered",
)  # fmt: skip


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    server = S3(tmp_path_factory.mktemp("s3") / "moto.log")
    server.start(["team-in"])
    yield server
    server.stop()


@pytest.fixture(scope="module")
def gateway_on_s3(mock_provider: Process, s3: S3, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Process]:
    config = config_for(mock_provider.url)
    keys = {"access_key": "AK", "secret_key": "SK", "region": "us-east-1"}
    config["asbru"] = {"s3": {"endpoint": s3.url, "buckets": ["team-*"], **keys}}
    process = gateway(tmp_path_factory.mktemp("gateway"), config)
    process.start()
    yield process
    process.stop()


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_boto3(generation: str, scenario: str, gateway_on_s3: Process, s3: S3) -> None:
    script = HERE / "boto3_batches_scenarios.py"
    command = [str(GENERATIONS[generation]), str(script), scenario, gateway_on_s3.url, s3.url]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f'"scenario": "{scenario}"' in done.stdout
