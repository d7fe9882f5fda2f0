"""What docs/celery.md says of moving a Celery app here, done to a copy of the project and deployed.

tests/integration/celery/test_flask_shop.py expects the same of a stock worker with Redis.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.beating import Beat, last_task_id
from tests.support import recipe
from tests.support.flask_shop import FOLDER, OUTCOMES, STOCK_TAKEN, place_orders
from tests.support.project_copy import copy_as_told, deployed_copy, run_in
from tests.support.tasks import finished
from tools.local.deployed import Stack
from tools.local.ministack import REGION, credentials
from tools.local.rest import Rest
from tools.paths import ROOT, UV
from tools.waiting import until

PAGE = (ROOT / "docs" / "celery.md").read_text()


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project, to which was done what the page says."""
    folder = tmp_path_factory.mktemp("project")
    copy_as_told(folder, PAGE)
    shutil.copytree(FOLDER / "shop", folder / "layers" / "shop" / "shop")
    subprocess.run([UV, "lock", "--quiet"], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def deployed(project: Path) -> Iterator[Stack]:
    """The stack of that copy."""
    with deployed_copy(project) as stack:
        yield stack


def test_a_queue_is_few_lines_of_the_template() -> None:
    queue, beat = [step for step in recipe.steps(PAGE) if step.path == "template.yaml"]
    assert (queue.added_lines, queue.places) == (6, 3)
    assert (beat.added_lines, beat.places) == (11, 1)


def test_orders_come_to_what_a_stock_worker_makes_of_them(deployed: Stack) -> None:
    placed = place_orders(settings(deployed), deployed.environ({}))
    # The page has this difference: here a chord's body fails by the error of its part.
    assert placed.pop("unknown") == {"state": "failed", "because": "KeyError('coal')"}
    assert placed == {name: OUTCOMES[name] for name in OUTCOMES if name != "unknown"}


def test_stock_is_taken_as_by_a_stock_beat(deployed: Stack) -> None:
    # Its consumer started cold for the orders above, and stored the schedule.
    Beat(deployed).tick()
    rest = Rest.of(deployed)
    schedule = rest.get("/schedules/stock-taking").expect(200)
    seconds = 2 * schedule["interval_seconds"]
    sent = until(
        lambda: last_task_id(rest, "stock-taking"), "a stock-taking", seconds, poll_seconds=0.5
    )
    taken = finished(rest, sent)
    assert (taken["status"], taken["result"]) == ("SUCCESS", STOCK_TAKEN)


def test_the_project_still_keeps_its_rules(project: Path) -> None:
    layers = ":".join(str(path) for path in (project / "layers").iterdir())
    run_in(project, "pytest", "-q", "-n", "2", "tests/unit/test_template.py", PYTHONPATH=layers)


def settings(stack: Stack) -> Mapping[str, Any]:
    """Return the settings of a service that sends to the stack."""
    known = credentials()
    keys = f"{known['AWS_ACCESS_KEY_ID']}:{known['AWS_SECRET_ACCESS_KEY']}"
    return {
        "broker_url": f"sqs://{keys}@localhost:{stack.port}",
        "broker_transport_options": {
            "region": REGION,
            "is_secure": False,
            "predefined_queues": {"orders": {"url": stack.outputs["ordersQueueUrl"]}},
        },
        "result_backend": f"dynamodb://{keys}@{REGION}/{stack.outputs['TasksTable']}",
        "dynamodb_endpoint_url": f"http://localhost:{stack.port}",
    }
