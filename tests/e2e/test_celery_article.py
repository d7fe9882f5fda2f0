"""The article's two programs, deployed as their page says, without a worker and without beat."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Sequence

import pytest

from tests.e2e.beating import Beat, last_task_id
from tests.support.project_copy import copy_as_told, deployed_copy
from tests.support.tasks import finished
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.paths import CELERY_PYTHON, ROOT, UV
from tools.waiting import until

ARTICLE = ROOT / "examples" / "celery_article"
PROGRAMS = ("notify_friends.py", "call_notify_friends.py", "favorite_book.py", "config.py")
SCHEDULE = "select_populate_book"


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The stack of a copy of the project, to which was done what the page says."""
    project = tmp_path_factory.mktemp("project")
    copy_as_told(project, (ARTICLE / "README.md").read_text())
    for program in PROGRAMS:
        shutil.copy(ARTICLE / program, project / "layers" / "article")
    subprocess.run([UV, "lock", "--quiet"], cwd=project, check=True)
    with deployed_copy(project) as stack:
        yield stack


def test_friends_are_notified_and_the_program_sees_it(deployed: Stack) -> None:
    named = {
        "FRIENDS_QUEUE_URL": deployed.outputs["friendsQueueUrl"],
        "TASKS_TABLE": deployed.outputs["TasksTable"],
        "PYTHONPATH": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    printed = subprocess.run(
        [CELERY_PYTHON, "on_aws.py"],
        cwd=ARTICLE,
        env=deployed.environ(os.environ) | named,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert printed == "True\n"
    begun, done = until(lambda: prints(deployed, "friends", "notify_friends"), "two prints")
    assert begun.startswith("notify_friends begins at ")
    assert begun.endswith(": user 001, news 001")
    assert done.startswith("notify_friends is done at ")


def test_books_are_selected_every_100_seconds(deployed: Stack) -> None:
    functions = deployed.client("lambda")
    functions.invoke(
        FunctionName=f"{deployed.name}-celery-consumer", Payload=json.dumps({"Records": []})
    )
    rest = Rest.of(deployed)
    assert rest.get(f"/schedules/{SCHEDULE}").expect(200)["interval_seconds"] == 100
    Beat(deployed).tick()
    sent = until(
        lambda: last_task_id(rest, SCHEDULE), "a slot of the schedule", 110, poll_seconds=0.5
    )
    selected = finished(rest, sent)
    assert (selected["status"], selected["result"]) == ("SUCCESS", True)
    assert until(lambda: prints(deployed, "celery", "select_populate_book"), "two prints")


def prints(stack: Stack, queue: str, task: str) -> Sequence[str]:
    """Return the two lines that a task has printed to its consumer's log, once they are there."""
    group = f"/aws/lambda/{stack.name}-{queue}-consumer"
    events = stack.client("logs").filter_log_events(logGroupName=group)["events"]
    lines = [event["message"].strip() for event in events]
    found = [line for line in lines if line.startswith(task)]
    return found if len(found) >= 2 else []
