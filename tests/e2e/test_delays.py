"""Tasks that run later, or not at all."""

import time
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from taskqueue.clock import from_iso, iso, now_ms
from taskqueue.message import Message, encode
from taskqueue.queue import Queue
from taskqueue.records.publishes import publish_hash
from taskqueue.sending.one_time_schedules import OneTimeSchedules, schedule_name
from tests.e2e.celery_client import CeleryClient
from tests.e2e.people import Hub, People
from tests.support.raw_queue import RawQueue
from tests.support.tasks import finished, task, until_task
from tools.demo.readers import Readers
from tools.local.deployed import Stack
from tools.local.rest import Rest

# SQS is asked once a second or so; a task due at a second's start may be seen at its end.
MAX_LATE_MS = 2_500
START = "/tasks/notify_friends"


@pytest.fixture
def hub(people: People) -> Hub:
    return people.hub(2)


@pytest.fixture
def queue(stack: Stack) -> RawQueue:
    return RawQueue.of(stack)


def test_a_countdown_is_kept_to_the_second(rest: Rest, hub: Hub) -> None:
    sent_ms = now_ms()
    body = {"args": [hub.id, "later"], "countdown": 2.5}
    task_id = rest.post(START, body).expect(202)["task_id"]
    waiting = task(rest, task_id)
    assert (waiting["status"], waiting["started_at"]) == ("PENDING", None)
    assert from_iso(waiting["due_at"]) >= sent_ms + 2_500
    _assert_on_time(finished(rest, task_id), from_iso(waiting["due_at"]))


def test_a_stock_clients_eta_is_kept(stack: Stack, rest: Rest, hub: Hub) -> None:
    """Celery's own client sends at once; its worker would hold the message in its memory."""
    due_ms = now_ms() + 5_000
    eta = f"__import__('datetime').datetime.fromisoformat('{iso(due_ms)}')"
    task_id = CeleryClient(stack).send(f"apply_async(('{hub.id}', 'later'), eta={eta})")
    assert now_ms() < due_ms, "the client took longer to load than the task waits"
    _assert_on_time(finished(rest, task_id), due_ms)


def test_a_stock_clients_countdown_is_kept(stack: Stack, rest: Rest, hub: Hub) -> None:
    before_ms = now_ms()
    task_id = CeleryClient(stack).send(f"apply_async(('{hub.id}', 'later'), countdown=3)")
    sent_ms = now_ms()
    found = finished(rest, task_id)
    assert before_ms + 3_000 <= from_iso(found["finished_at"]) <= sent_ms + 3_000 + MAX_LATE_MS
    assert found["attempts"] == 1


def test_beyond_15_minutes_a_schedule_sends_the_task(stack: Stack, rest: Rest, hub: Hub) -> None:
    body = {"args": [hub.id, "later"], "countdown": 3_600}
    task_id = rest.post(START, body).expect(202)["task_id"]
    due_ms = from_iso(task(rest, task_id)["due_at"])
    schedules = stack.client("scheduler")
    name = schedule_name(task_id, 0, None, publish_hash(Message("notify_friends", task_id)))
    key = {"Name": name, "GroupName": stack.outputs["ScheduleGroup"]}
    schedule = schedules.get_schedule(**key)
    minute_before = datetime.fromtimestamp(due_ms // 1000 - 60, UTC)
    assert schedule["ScheduleExpression"] == f"at({minute_before:%Y-%m-%dT%H:%M:%S})"
    assert schedule["ActionAfterCompletion"] == "DELETE"

    # Sent once more under its id, it is still one schedule.
    rest.post(START, {**body, "task_id": task_id}).expect(202)
    rest.delete(f"/tasks/{task_id}").expect(200)
    with pytest.raises(schedules.exceptions.ResourceNotFoundException):
        schedules.get_schedule(**key)


def test_a_schedule_fires_into_the_queue(
    stack: Stack, rest: Rest, people: People, hub: Hub, queue: RawQueue, readers: Readers
) -> None:
    """As the producer makes it, but for a message that is due as soon as it arrives."""
    functions = stack.resources("AWS::Lambda::Function")
    producer = stack.client("lambda").get_function_configuration(
        FunctionName=functions["ProducerFunction"]
    )["Environment"]["Variables"]
    delayed = OneTimeSchedules(
        lambda: stack.client("scheduler"),
        producer["SCHEDULE_GROUP"],
        producer["SCHEDULER_ROLE_ARN"],
        queue.arn.replace("notifications", "dead-letters"),
    )
    news = people.news(hub)
    message = Message("notify_friends", uuid.uuid4().hex, (hub.id, news))
    target = Queue("notifications", queue.url, queue.arn)
    in_time = replace(message, eta_ms=now_ms() + 62_000)
    delayed.send(target, in_time, encode(message))

    found = until_task(rest, message.id, lambda found: found["status"] == "SUCCESS", 45)
    assert found["result"] == 2
    assert readers.of_news(news) == list(hub.friends)


def test_a_revoked_task_never_runs(rest: Rest, hub: Hub, queue: RawQueue, readers: Readers) -> None:
    news = uuid.uuid4().hex
    body = {"args": [hub.id, news], "countdown": 2}
    task_id = rest.post(START, body).expect(202)["task_id"]
    assert rest.delete(f"/tasks/{task_id}").expect(200)["status"] == "REVOKED"
    queue.wait_until_empty()
    found = task(rest, task_id)
    assert (found["status"], found["attempts"]) == ("REVOKED", 0)
    assert found["error"]["type"] == "TaskRevokedError"
    assert readers.of_news(news) == []


def test_what_has_run_cannot_be_revoked(rest: Rest, hub: Hub) -> None:
    task_id = rest.post(START, {"args": [hub.id, "news"]}).expect(202)["task_id"]
    finished(rest, task_id)
    rest.delete(f"/tasks/{task_id}").expect(409)
    rest.delete(f"/tasks/{uuid.uuid4().hex}").expect(404)


def test_an_expired_task_is_not_run(rest: Rest, hub: Hub, readers: Readers) -> None:
    news = uuid.uuid4().hex
    body = {"args": [hub.id, news], "countdown": 2, "expires": 1}
    task_id = rest.post(START, body).expect(202)["task_id"]
    found = finished(rest, task_id)
    assert (found["status"], found["error"]["message"]) == ("REVOKED", "expired")
    assert readers.of_news(news) == []


def test_times_that_make_no_sense_are_refused(rest: Rest, hub: Hub) -> None:
    for wrong in (
        {"eta": "2020-01-01T00:00:00Z"},
        {"eta": time.strftime("%Y-%m-%dT%H:%M:%S")},
        {"countdown": -1},
        {"countdown": 1, "eta": iso(now_ms() + 60_000)},
    ):
        problem = rest.post(START, {"args": [hub.id, "news"], **wrong})
        assert problem.status == 400, wrong
        assert problem.headers["Content-Type"] == "application/problem+json"


def _assert_on_time(found: dict[str, Any], due_ms: int) -> None:
    # It is claimed up to two seconds before, and `started_at` says when.
    assert due_ms <= from_iso(found["finished_at"]) <= due_ms + MAX_LATE_MS
    assert found["attempts"] == 1
