"""The project's stack with one queue more, whose consumer runs the suite's tasks."""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from tests.support.project_copy import copy_project, deployed_copy
from tools.errors import ToolError
from tools.local.deployed import Stack
from tools.paths import ROOT, UV
from tools.shell import Command, run_logged

SIDE = Path(__file__).parent / "suite_side"
# What the suite's tasks import beside Celery.
_LIBRARIES = ("pydantic", "redis")
_CONSUMER = '''"""The consumer of the suite's queue."""

from suite_side.app import app
from taskqueue.celery import worker

handler = worker(app)
'''
_LAYER = """  SuiteLayer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: makefile}
    Properties: {ContentUri: layers, CompatibleRuntimes: [python3.13]}
"""
_LAYER_S_RULE = """
build-SuiteLayer: target
	$(call libraries,taskqueue,$(NOT_IN_CELERY_LAYER),celery)
	cp -R suite/. "$(TARGET)"
	$(call compiled)
"""
_QUEUES = "&queues [notifications, views, rankings"
_ROWS = "    notifications: {Folder: notify_friends, Layer: SocialLayer}\n"
# As few workers as an event source may have: in the suite, what expires waits for a busy worker.
_ROW = "Folder: celery_suite, Layer: SuiteLayer, MaximumConcurrency: 2"
_VARIABLES = "        TASKS_TABLE: !Ref TasksTable\n"
_FIRST_LAYER = "  TaskqueueLayer:\n"


@contextlib.contextmanager
def deployed(project: Path, suite: Path, redis_port: int, log: Path) -> Iterator[Stack]:
    """Deploy a copy of the project that has the queue `celery`, for as long as the block takes.

    Args:
        project: the folder of the copy.
        suite: the folder of the suite.
        redis_port: of the Redis that the suite's tasks write to.

    Raises:
        ToolError: it could not be built or deployed.
    """
    shutil.rmtree(project, ignore_errors=True)
    copy_project(project)
    _add_consumer(project, redis_port)
    _make_layer(project / "layers" / "suite", suite, log)
    with deployed_copy(project) as stack:
        yield stack


def _add_consumer(project: Path, redis_port: int) -> None:
    consumer = project / "functions" / "celery_suite" / "app.py"
    consumer.parent.mkdir()
    consumer.write_text(_CONSUMER)
    template = project / "template.yaml"
    text = template.read_text()
    for found, replaced in (
        (_QUEUES, f"{_QUEUES}, celery"),
        (_ROWS, f"{_ROWS}    celery: {{{_ROW}}}\n"),
        (_VARIABLES, f'{_VARIABLES}        REDIS_PORT: "{redis_port}"\n'),
        (_FIRST_LAYER, _LAYER + _FIRST_LAYER),
    ):
        if found not in text:
            raise ToolError(f"template.yaml has no {found.strip()!r} any more")
        text = text.replace(found, replaced)
    template.write_text(text)
    with (project / "layers" / "Makefile").open("a") as makefile:
        makefile.write(_LAYER_S_RULE)


def _make_layer(layer: Path, suite: Path, log: Path) -> None:
    """Make the layer of the suite's tasks, with libraries as uv.lock has them."""
    shutil.copytree(suite / "t", layer / "t")
    shutil.copytree(SIDE, layer / "suite_side")
    pinned = layer / "pinned.txt"
    export: Command = [UV, "export", "--quiet", "--frozen", "--no-hashes", "--only-group", "celery"]
    pinned.write_text(
        subprocess.run(export, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    )
    run_logged(
        [
            UV,
            "pip",
            "install",
            "--python",
            "3.13",
            "--constraint",
            pinned,
            "--target",
            layer,
            *_LIBRARIES,
        ],
        log,
        "the layer of the suite could not be made",
        environ=os.environ,
        cwd=ROOT,
    )
