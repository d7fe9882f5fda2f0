"""The environment of a function."""

import pytest

from taskqueue.errors import NoSettings
from taskqueue.lambdas.settings import Settings
from taskqueue.queue import Queue, queue_name, queues_of

ARN = "arn:aws:sqs:us-east-1:000000000000:stack-work"
QUEUES = queues_of("work,more", "https://sqs/0/stack-", "arn:aws:sqs:us-east-1:000000000000:stack-")


def test_a_full_environment() -> None:
    settings = Settings.of(
        {
            "TASKS_TABLE": "tasks",
            "QUEUES": "work",
            "QUEUE_URL_PREFIX": "https://sqs/0/stack-",
            "QUEUE_ARN_PREFIX": "arn:aws:sqs:us-east-1:000000000000:stack-",
            "DEAD_LETTER_QUEUE_URL": "https://sqs/0/stack-dead-letters",
            "RESULT_TTL_SECONDS": "60",
            "SCHEDULE_GROUP": "g",
            "SCHEDULER_ROLE_ARN": "r",
            "TASK_MODULES": "a.tasks,b.tasks",
            "DEAD_LETTERS_TABLE": "dead",
        }
    )
    assert settings.queues == {"work": Queue("work", "https://sqs/0/stack-work", ARN)}
    assert settings.dead_letter_queue_url == "https://sqs/0/stack-dead-letters"
    assert settings.task_modules == ("a.tasks", "b.tasks")
    assert (settings.tasks_table, settings.result_ttl_seconds) == ("tasks", 60)
    assert (settings.schedule_group, settings.scheduler_role_arn) == ("g", "r")
    assert settings.dead_letters_table == "dead"


def test_what_a_function_does_not_use_may_be_missing() -> None:
    settings = Settings.of({"TASKS_TABLE": "tasks"})
    assert settings.queues == {}
    assert settings.task_modules == ()
    assert settings.result_ttl_seconds == 7 * 24 * 60 * 60


def test_the_tasks_table_may_not() -> None:
    with pytest.raises(NoSettings, match=r"lacks TASKS_TABLE, QUEUES, .* docs/writing-tasks\.md"):
        Settings.of({})
    with pytest.raises(NoSettings, match=r"lacks TASKS_TABLE, QUEUE_URL_PREFIX, QUEUE_ARN_PREFIX"):
        Settings.of({"QUEUES": "work"})


def test_a_queue_s_logical_name_is_found_by_its_arn() -> None:
    assert queue_name(ARN, QUEUES) == "work"
    assert queue_name("arn:aws:sqs:us-east-1:0:other", QUEUES) == "other"
