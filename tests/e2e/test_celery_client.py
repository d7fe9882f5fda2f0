"""The article's two programs, run by a stock Celery client."""

import uuid
from collections.abc import Callable

import pytest

from tests.e2e.celery_client import CeleryClient
from tests.e2e.people import People
from tests.support.iam_user import iam_user
from tests.support.raw_queue import RawQueue
from tests.support.tasks import finished, task, until_task
from tools.demo.readers import Readers
from tools.local.deployed import Stack
from tools.local.rest import Rest

Run = Callable[..., str]


@pytest.fixture
def celery(stack: Stack) -> CeleryClient:
    return CeleryClient(stack)


@pytest.mark.parametrize("spelling", ["base64", "plain"])
def test_the_client_waits_for_all_friends_to_have_the_news(
    spelling: str, celery: CeleryClient, people: People, readers: Readers
) -> None:
    hub = people.hub(30)
    news = people.news(hub)
    run: Run = celery.run if spelling == "base64" else celery.run_plain
    printed = run("post_news.py", hub.id, news).splitlines()
    assert printed[0].startswith("task ")
    assert printed[-1] == "delivered to 30 friends"
    assert readers.of_news(news) == list(hub.friends)


def test_the_client_waits_for_a_task_of_many_parts(
    celery: CeleryClient, people: People, readers: Readers
) -> None:
    hub = people.hub(1_045)
    news = people.news(hub)
    printed = celery.run("post_news.py", hub.id, news).splitlines()
    assert printed[-1] == "delivered to 1045 friends"
    assert readers.of_news(news) == list(hub.friends)


@pytest.mark.parametrize("spelling", ["base64", "plain"])
def test_a_task_that_raises_raises_in_the_client(spelling: str, celery: CeleryClient) -> None:
    run: Run = celery.run if spelling == "base64" else celery.run_plain
    assert run("fail.py").startswith("InvalidId: user_id must be 1 to 128 characters")


def test_the_client_reads_a_task_that_was_posted_by_http(
    celery: CeleryClient, rest: Rest, people: People
) -> None:
    hub = people.hub(4)
    task_id = rest.post(f"/users/{hub.id}/news", {"text": "Hello."}).expect(202)["task_id"]
    program = f"from tasks import notify_friends as t; print(t.AsyncResult('{task_id}').get(20))"
    assert celery.run("-c", program) == "4\n"


def test_a_client_s_second_publish_of_an_id_runs_again_and_a_second_post_does_not(
    celery: CeleryClient, rest: Rest, people: People
) -> None:
    hub = people.hub(5)
    task_id = uuid.uuid4().hex
    news = people.news(hub)
    call = f"apply_async(('{hub.id}', '{news}'), task_id='{task_id}')"
    assert celery.send(call) == task_id
    assert finished(rest, task_id)["result"] == 5
    assert celery.send(call) == task_id
    again = until_task(
        rest, task_id, lambda found: found["attempts"] == 2 and found["status"] == "SUCCESS"
    )
    assert again["result"] == 5
    body = {"args": [hub.id, news], "task_id": task_id}
    answer = rest.post("/tasks/notify_friends", body).expect(202)
    assert answer == {"task_id": task_id, "status": "SUCCESS"}
    assert task(rest, task_id)["attempts"] == 2


def test_the_environment_comes_from_the_stacks_outputs(stack: Stack, celery: CeleryClient) -> None:
    assert celery.run("environment.py", stack.name).splitlines() == [
        f"export TASKS_TABLE={stack.outputs['TasksTable']}",
        f"export NOTIFICATIONS_QUEUE_URL={stack.outputs['notificationsQueueUrl']}",
        f"export RANKINGS_QUEUE_URL={stack.outputs['rankingsQueueUrl']}",
    ]


def test_the_client_needs_four_permissions(stack: Stack) -> None:
    """Those that its README names."""
    permissions = {
        RawQueue.of(stack).arn: ["sqs:SendMessage", "sqs:GetQueueAttributes"],
        _table_arn(stack): ["dynamodb:DescribeTable", "dynamodb:GetItem"],
    }
    with iam_user(stack, permissions) as keys:
        assert CeleryClient(stack, keys).run("fail.py").startswith("InvalidId")


def _table_arn(stack: Stack) -> str:
    table = stack.client("dynamodb").describe_table(TableName=stack.outputs["TasksTable"])
    return str(table["Table"]["TableArn"])
