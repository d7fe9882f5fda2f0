"""What docs/add-a-task.md says, done to a copy of the project and deployed."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.people import People
from tests.support import recipe
from tests.support.project_copy import copy_as_told, deployed_copy, run_in
from tests.support.tasks import finished
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.paths import ROOT
from tools.waiting import until

PAGE = (ROOT / "docs" / "add-a-task.md").read_text()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, to which was done what the page says."""
    folder = tmp_path_factory.mktemp("project")
    copy_as_told(folder, PAGE)
    return folder


@pytest.fixture(scope="module")
def extended(project: Path) -> Iterator[Stack]:
    """The stack of that copy."""
    with deployed_copy(project) as stack:
        yield stack


def test_a_queue_of_its_own_is_few_lines_of_the_template() -> None:
    (step,) = [step for step in recipe.steps(PAGE) if step.path == "template.yaml"]
    assert step.language == "diff"
    assert step.added_lines <= 15
    assert step.places <= 3


def test_the_tasks_of_the_page_run(extended: Stack) -> None:
    rest = Rest.of(extended)
    hub = People.of(extended).hub(7)
    (first, count), (second, digest) = recipe.calls(PAGE)

    body = json.loads(count.replace("80", hub.id))
    counted = finished(rest, rest.post(first, body).expect(202)["task_id"])
    assert (counted["queue"], counted["result"]) == ("notifications", 7)

    posted = rest.post(f"/users/{hub.id}/news", {"text": "Read all about it."}).expect(202)
    finished(rest, posted["task_id"])
    body = json.loads(digest.replace("FRIEND", hub.friends[0]))
    written = finished(rest, rest.post(second, body).expect(202)["task_id"])
    assert (written["queue"], written["result"]) == ("digests", ["Read all about it."])

    # Its consumer may send tasks of its own.
    body = {"args": [list(hub.friends[:3])]}
    sent = finished(rest, rest.post("/tasks/write_digests", body).expect(202)["task_id"])
    children = [finished(rest, task_id) for task_id in sent["result"]]
    assert [child["result"] for child in children] == [["Read all about it."]] * 3


def test_the_new_queue_has_dead_letters_of_its_own(extended: Stack) -> None:
    rest = Rest.of(extended)
    started = rest.post("/tasks/write_digest", {"args": ["no user"]}).expect(202)
    assert finished(rest, started["task_id"])["error"]["type"] == "InvalidId"
    queue = extended.outputs["digestsQueueUrl"]
    extended.client("sqs").send_message(QueueUrl=queue, MessageBody="junk")
    [letter] = _letters(rest)
    assert (letter["queue"], letter["task_id"]) == ("digests", None)
    rest.delete(f"/dead-letters/{letter['id']}").expect(204)


def test_the_project_still_keeps_its_rules(project: Path) -> None:
    run_in(project, "ruff", "check", "--quiet", "layers", "functions")
    run_in(project, "ruff", "format", "--check", "--quiet", "layers", "functions")
    # What git tracks is the tree that the page of the architecture shows.
    subprocess.run(["git", "init", "--quiet"], cwd=project, check=True)
    subprocess.run(["git", "add", "--all"], cwd=project, check=True)
    layers = ":".join(str(path) for path in (project / "layers").iterdir())
    of_the_project = [*project.glob("tests/unit/test_*.py"), "tests/unit/docs", "tests/unit/tools"]
    run_in(project, "pytest", "-q", "-n", "2", *map(str, of_the_project), PYTHONPATH=layers)


def _letters(rest: Rest) -> list[dict[str, str | None]]:
    path = "/dead-letters?queue=digests"
    return until(lambda: rest.get(path).expect(200)["dead_letters"], "a dead letter")
