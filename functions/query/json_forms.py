"""What callers see of records: JSON objects, times in ISO 8601."""

from collections.abc import Mapping, Sequence
from typing import Any

from social.news import News
from taskqueue import clock
from taskqueue.dead_letters.letter import DeadLetter
from taskqueue.groups.shard import Shard
from taskqueue.records.meta import ErrorInfo
from taskqueue.records.record import TaskRecord

Json = Mapping[str, Any]


def task_json(record: TaskRecord, shards: Sequence[Shard] = ()) -> Json:
    """Return a task; `progress` is its own, or what its parts have done of what is planned.

    `shards`: those of its parts that it has not been told of.
    """
    return {
        "task_id": record.id,
        "task": record.task,
        "queue": record.queue,
        "status": record.status,
        "result": record.result,
        "error": _error_json(record.error) if record.error else None,
        "result_expired": record.is_result_gone,
        "attempts": record.attempts,
        "retries": record.retries,
        "progress": _progress(record, shards),
        "enqueued_at": _time(record.enqueued_at_ms),
        "due_at": _time(record.due_at_ms),
        "started_at": _time(record.started_at_ms),
        "finished_at": _time(record.finished_at_ms),
    }


def news_json(news: News) -> Json:
    """Return a piece of news as it stands in a feed."""
    return {
        "news_id": news.id,
        "author": news.author_id,
        "text": news.text,
        "photos": list(news.photos),
        "posted_at": clock.iso(news.posted_at_ms),
    }


def dead_letter_json(letter: DeadLetter) -> Json:
    """Return a dead letter without its message, which may hold anything."""
    return {
        "id": letter.id,
        "queue": letter.queue,
        "task_id": letter.task_id,
        "task": letter.task,
        "reason": letter.reason,
        "received_at": clock.iso(letter.received_at_ms),
    }


def _error_json(error: ErrorInfo) -> Json:
    return {"type": error.type, "message": error.message, "module": error.module}


def _progress(record: TaskRecord, shards: Sequence[Shard]) -> Any:
    if record.progress is not None or record.parts is None:
        return record.progress
    done = record.parts.count + sum(shard.count for shard in shards)
    return {"done": done, "planned": record.parts.plan.count}


def _time(at_ms: int | None) -> str | None:
    """Return a time; None also where a damaged record has a number that is none."""
    try:
        return None if at_ms is None else clock.iso(at_ms)
    except (ValueError, OverflowError):
        return None
