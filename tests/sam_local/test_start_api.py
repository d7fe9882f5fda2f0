"""`sam local start-api`: the API in containers, against the local AWS."""

import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.sam_local import SamLocal
from tools.local.ports import LOOPBACK, free_port, is_listening
from tools.local.rest import Rest
from tools.paths import ROOT

START_SECONDS = 120
STOP_SECONDS = 30


@pytest.fixture(scope="module")
def api(sam_local: SamLocal, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rest]:
    """The address of a running `sam local start-api`."""
    port = free_port()
    log = tmp_path_factory.mktemp("start-api") / "start-api.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            sam_local.command("start-api", "--host", LOOPBACK, "--port", str(port)),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env=sam_local.environ(),
            cwd=ROOT,
        )
    try:
        _wait_until_listening(process, port, log)
        yield Rest(f"http://{LOOPBACK}:{port}", None)
    finally:
        process.terminate()
        process.wait(STOP_SECONDS)


def _wait_until_listening(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not is_listening(port):
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)


def test_the_api_takes_a_post_and_serves_a_feed(api: Rest) -> None:
    posted = api.post("/users/sam-local/news", {"text": "From a container."})
    assert posted.status == 202
    assert set(posted.body) >= {"news_id", "task_id"}
    task = api.get(f"/tasks/{posted.body['task_id']}")
    assert task.status == 200
    assert api.get("/users/sam-local/feed").body["news"] == []


def test_the_api_refuses_what_is_not_json(api: Rest) -> None:
    refused = api.post("/users/sam-local/news", b"{")
    assert refused.status == 400
