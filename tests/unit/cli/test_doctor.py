"""The command `taskqueue doctor`, as a process on the Flask example and on apps of these tests."""

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from taskqueue.celery.checks.queues import NeededQueue
from taskqueue.cli.doctor import rows
from tools.paths import DEV_ENVIRONMENT, ROOT

SHOP = ROOT / "examples" / "flask_shop"
PAGE = (ROOT / "docs" / "celery.md").read_text()
REFUSED_APP = """
from celery import Celery
app = Celery("refused")
app.conf.task_serializer = "pickle"

@app.task(time_limit=120)
def slow() -> None: ...
"""


def doctor(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(DEV_ENVIRONMENT / "bin" / "taskqueue"), "doctor", *arguments]
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command,
        cwd=folder,
        env={**environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_page_shows_what_it_prints() -> None:
    command, printed = re.findall(r"```\n\$ taskqueue doctor (.*?)\n(.*?)```", PAGE, re.DOTALL)[0]
    done = doctor(SHOP, *command.split())
    assert (done.stdout, done.returncode) == (printed, 0)


def test_an_app_that_cannot_run_is_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "proj.py").write_text(REFUSED_APP)
    done = doctor(tmp_path, "proj:app", "--json")
    found: Any = json.loads(done.stdout)
    assert done.returncode == 1
    assert found["cannot_run"] == [
        {"subject": "task_serializer", "text": "is 'pickle': only 'json' is run here"}
    ]
    assert found["queues"] == [
        {
            "name": "celery",
            "tasks": ["proj.slow"],
            "row": "celery: {Folder: celery, Layer: ProjLayer, "
            "TimeoutSeconds: 125, VisibilityTimeoutSeconds: 750}",
            "handler": "from proj import app\nfrom taskqueue.celery import worker\n\n"
            "handler = worker(app)\n",
        }
    ]
    assert found["month"] is None


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("proj", "'proj' is no module and name, such as proj.celery:app"),
        ("nowhere:app", "ModuleNotFoundError: No module named 'nowhere'"),
        ("proj:nothing", "AttributeError: module 'proj' has no attribute 'nothing'"),
        ("unset:app", "KeyError: 'DATABASE_URL'"),
        ("proj:slow", "proj:slow is no Celery app"),
    ],
)
def test_what_is_no_app_is_said_in_a_sentence(tmp_path: Path, name: str, said: str) -> None:
    (tmp_path / "proj.py").write_text(REFUSED_APP)
    (tmp_path / "unset.py").write_text("raise KeyError('DATABASE_URL')")
    done = doctor(tmp_path, name)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == f"Error: Invalid value for 'MODULE:NAME': {said}"


@pytest.mark.parametrize(
    ("limit", "times"),
    [
        (None, ""),
        (55, ""),
        (55.5, ", TimeoutSeconds: 61, VisibilityTimeoutSeconds: 366"),
        (900, ", TimeoutSeconds: 900, VisibilityTimeoutSeconds: 5400"),
    ],
)
def test_a_row_has_the_time_that_its_longest_task_needs(limit: float | None, times: str) -> None:
    queue = NeededQueue("orders", ["price"], limit)
    assert rows.row(queue, "ShopLayer") == f"orders: {{Folder: orders, Layer: ShopLayer{times}}}"


def test_a_queue_that_is_not_the_default_is_named_to_its_worker() -> None:
    text = rows.handler("my_shop.celery", "app", "mail", is_default=False, beat=True)
    assert text.endswith('handler = worker(app, queue="mail", beat=True)\n')
    assert rows.layer_of("my_shop.celery") == "MyShopLayer"
