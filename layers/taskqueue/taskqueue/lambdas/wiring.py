"""Puts the parts together from the environment: settings, stores, sender. Each is made once."""

import functools
import os
from typing import TYPE_CHECKING

from taskqueue.dead_letters.dead_letter_queue import DeadLetterQueue
from taskqueue.lambdas.clients import client
from taskqueue.lambdas.settings import Settings
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.sending.client import TaskClient
from taskqueue.sending.one_time_schedules import OneTimeSchedules
from taskqueue.sending.sender import Sender

if TYPE_CHECKING:
    from taskqueue.beat.store import DynamoScheduleStore
    from taskqueue.dead_letters.store import DeadLetterStore
    from taskqueue.records.metas import DynamoResultMetas
    from taskqueue.records.with_item import NewItem, RecordWithItem


@functools.cache
def settings() -> Settings:
    """Return the settings in this process's environment."""
    return Settings.of(os.environ)


@functools.cache
def task_store() -> DynamoTaskStore:
    """Return the store of task records, the table TASKS_TABLE."""
    return DynamoTaskStore(
        client("dynamodb"), settings().tasks_table, settings().result_ttl_seconds
    )


@functools.cache
def sender() -> Sender:
    """Return the sender of task messages."""
    schedules = OneTimeSchedules(
        lambda: client("scheduler"),
        settings().schedule_group,
        settings().scheduler_role_arn,
        settings().dead_letter_queue_arn,
    )
    return Sender(client("sqs"), task_store(), settings().queues, schedules)


@functools.cache
def result_metas() -> "DynamoResultMetas":
    """Return Celery's result metas, in the table TASKS_TABLE."""
    from taskqueue.records.metas import DynamoResultMetas

    return DynamoResultMetas(
        client("dynamodb"), settings().tasks_table, settings().result_ttl_seconds
    )


def record_with(new: "NewItem") -> "RecordWithItem":
    """Return what records one task together with an item of the caller's."""
    from taskqueue.records.with_item import RecordWithItem

    return RecordWithItem(client("dynamodb"), task_store(), new)


@functools.cache
def task_client() -> TaskClient:
    """Return the client of this process, for tasks that are not sent by another task."""
    return TaskClient(sender(), task_store(), max_depth=settings().max_task_depth)


@functools.cache
def dead_letter_queue() -> DeadLetterQueue:
    """Return the dead-letter queue, at DEAD_LETTER_QUEUE_URL."""
    return DeadLetterQueue(client("sqs"), settings().dead_letter_queue_url)


@functools.cache
def dead_letter_store() -> "DeadLetterStore":
    """Return the store of the table DEAD_LETTERS_TABLE."""
    # A consumer, whose cold start this module is part of, reads no dead letters and no schedules.
    from taskqueue.dead_letters.store import DeadLetterStore

    return DeadLetterStore(client("dynamodb"), settings().dead_letters_table)


@functools.cache
def schedule_store() -> "DynamoScheduleStore":
    """Return the store of the table SCHEDULES_TABLE."""
    from taskqueue.beat.store import DynamoScheduleStore

    return DynamoScheduleStore(client("dynamodb"), settings().schedules_table)
