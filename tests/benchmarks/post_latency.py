"""Latency of the post of news, beside a Lambda that makes one SQS send behind such an API."""

import http.client
import json
import os
import statistics
import time
import urllib.parse
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.report import Check, Section
from tools.local.deployed import Stack, read_stack
from tools.local.ministack import Ministack
from tools.local.sam import sam_environ
from tools.paths import ROOT, SAM
from tools.shell import run_logged

WARM_UP = 20
ROUNDS = 200
_BASELINE = Path(__file__).resolve().parent / "baseline"
_BASELINE_STACK = "one-send"
_NEWS = {"text": "A post of the length that people write.", "photos": ["https://example.org/1"]}


def measure(stack: Stack, folder: Path) -> Section:
    """Post to both in turn and compare the medians; nothing consumes what they send."""
    baseline = _deploy_baseline(stack, folder / "sam.log")
    posts = {
        "news": _Poster(stack, "/users/timed-poster/news", _NEWS),
        "one send": _Poster(baseline, "/messages", _NEWS),
    }
    taken: dict[str, list[float]] = {what: [] for what in posts}
    for _ in range(WARM_UP + ROUNDS):
        for what, poster in posts.items():
            taken[what].append(poster.post_ms())
    news, one_send = (sorted(times[WARM_UP:]) for times in taken.values())
    ratio = statistics.median(news) / statistics.median(one_send)
    return Section(
        "Latency of a post",
        [Check("`POST /users/{user}/news`, of a Lambda with one SQS send", ratio, 1.35, "x")],
        {"`POST /users/{user}/news`": _quantiles(news), "one SQS send": _quantiles(one_send)},
        f"{ROUNDS} requests each, in turn, over kept connections, after {WARM_UP} that are not "
        f"counted; both behind a REST API with a key, 512 MB. The post stores the news and the "
        f"task in one request and sends the message in another, where the yardstick makes one. "
        f"The consumers are off, so that they do not take the CPU.",
    )


def _quantiles(times_ms: list[float]) -> str:
    p99 = times_ms[len(times_ms) * 99 // 100]
    return f"median {statistics.median(times_ms):.1f} ms, p99 {p99:.1f} ms"


def _deploy_baseline(stack: Stack, log: Path) -> Stack:
    command = [
        *(str(SAM), "deploy", "--template-file", str(_BASELINE / "template.yaml")),
        *("--stack-name", _BASELINE_STACK, "--resolve-s3", "--capabilities", "CAPABILITY_IAM"),
        *("--no-confirm-changeset", "--no-progressbar"),
    ]
    environ = sam_environ(stack.environ(os.environ))
    run_logged(command, log, "the yardstick was not deployed", environ=environ, cwd=ROOT)
    return read_stack(_BASELINE_STACK, Ministack(stack.port))


class _Poster:
    """Posts one body to one path of a stack's API over one connection."""

    def __init__(self, stack: Stack, path: str, body: Mapping[str, object]) -> None:
        url = urllib.parse.urlsplit(stack.api_url + path)
        self._connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
        self._path = url.path
        self._body = json.dumps(body)
        self._headers = {"Content-Type": "application/json", "x-api-key": stack.api_key}

    def post_ms(self) -> float:
        """Post once; the time until the whole answer is there."""
        start = time.perf_counter()
        self._connection.request("POST", self._path, self._body, self._headers)
        answer = self._connection.getresponse()
        content = answer.read()
        taken = (time.perf_counter() - start) * 1000
        if answer.status != 202:
            raise BenchmarkError(f"POST {self._path}: {answer.status} {content.decode()[:200]}")
        return taken
