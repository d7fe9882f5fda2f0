"""`sam local invoke` of every function with each of its events, against the local AWS."""

import re
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from http import HTTPStatus
from typing import Any

import pytest

from tests.support import cloudformation as cfn
from tests.support.sam_local import SamLocal
from tests.support.tasks import finished
from tools.errors import ToolError
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.paths import ROOT

EVENTS = ROOT / "events"
NAMES = sorted(str(path.relative_to(EVENTS).with_suffix("")) for path in EVENTS.glob("*/*.json"))

# The task that the events of the API speak of.
TASK_ID = "0a6f3c1e-6b8e-4c53-9d0c-6f1f3f1b7a01"
SCHEDULE = {"task": "select_populate_book", "interval_seconds": 3600, "paused": True}
NEWS_ID = "01a20400000000112233445566778899"

ALL_DONE: Mapping[str, Any] = {"batchItemFailures": []}
ANSWERS: Mapping[str, HTTPStatus | Mapping[str, Any] | None] = {
    "beat/tick": None,
    "canvas/nothing_follows": ALL_DONE,
    "count_views/views": ALL_DONE,
    "dead_letters/received_too_often": ALL_DONE,
    "dead_letters/refused": ALL_DONE,
    "notify_friends/poison": ALL_DONE,
    "notify_friends/tasks": ALL_DONE,
    "producer/delete_friend": HTTPStatus.NO_CONTENT,
    "producer/delete_news": HTTPStatus.NOT_FOUND,
    "producer/delete_schedule": HTTPStatus.NO_CONTENT,
    "producer/discard_dead_letter": HTTPStatus.NOT_FOUND,
    "producer/discard_dead_letters": HTTPStatus.OK,
    "producer/post_news": HTTPStatus.ACCEPTED,
    "producer/post_view": HTTPStatus.ACCEPTED,
    "producer/post_views": HTTPStatus.ACCEPTED,
    "producer/put_friend": HTTPStatus.NO_CONTENT,
    "producer/put_schedule": HTTPStatus.OK,
    "producer/redrive_dead_letter": HTTPStatus.NOT_FOUND,
    "producer/redrive_dead_letters": HTTPStatus.ACCEPTED,
    "producer/revoke_task": HTTPStatus.CONFLICT,
    "producer/start_task": HTTPStatus.ACCEPTED,
    "query/get_dead_letters": HTTPStatus.OK,
    "query/get_feed": HTTPStatus.OK,
    "query/get_friends": HTTPStatus.OK,
    "query/get_schedule": HTTPStatus.OK,
    "query/get_schedules": HTTPStatus.OK,
    "query/get_task": HTTPStatus.OK,
    "query/get_tasks": HTTPStatus.OK,
    "query/get_top": HTTPStatus.OK,
    "select_populate_book/task": ALL_DONE,
}


def function_of(name: str) -> str:
    """The logical id of the function whose event this is: `count_views/…` is viewsFunction."""
    functions = {cfn.folder(function): function for function in cfn.FUNCTIONS}
    return functions[name.partition("/")[0]]


@pytest.fixture(scope="session")
def answers(sam_local: SamLocal, stack: Stack) -> dict[str, Any]:
    """What each event was answered, by its name; invoked two at a time, since each takes seconds.

    What the events speak of is there: a task that is done, a ranking, a schedule.
    """
    rest = Rest.of(stack)
    task = {"args": ["80", NEWS_ID], "task_id": TASK_ID}
    rest.post("/tasks/notify_friends", task).expect(HTTPStatus.ACCEPTED)
    ranking = rest.post("/tasks/select_populate_book", {}).expect(HTTPStatus.ACCEPTED)
    rest.call("PUT", "/schedules/hourly", SCHEDULE).expect(HTTPStatus.OK)
    for task_id in (TASK_ID, ranking["task_id"]):
        assert finished(rest, task_id)["status"] == "SUCCESS"

    def invoke(name: str) -> Any:
        try:
            return sam_local.invoke(function_of(name), EVENTS / f"{name}.json")
        except ToolError as error:
            return error

    with ThreadPoolExecutor(max_workers=2) as pool:
        return dict(zip(NAMES, pool.map(invoke, NAMES), strict=True))


def test_every_event_has_an_answer_and_every_function_an_event() -> None:
    functions = {path.parent.name for path in (ROOT / "functions").glob("*/app.py")}
    assert set(NAMES) == set(ANSWERS)
    assert {name.partition("/")[0] for name in NAMES} == functions


@pytest.mark.parametrize("name", NAMES)
def test_a_function_answers_its_event(answers: dict[str, Any], name: str) -> None:
    answer = answers[name]
    if isinstance(answer, ToolError):
        pytest.fail(str(answer), pytrace=False)
    wanted = ANSWERS[name]
    if isinstance(wanted, HTTPStatus):
        assert answer["statusCode"] == wanted, answer
        assert re.fullmatch(r"\{.*\}|", answer.get("body") or "", re.DOTALL)
    else:
        assert answer == wanted
