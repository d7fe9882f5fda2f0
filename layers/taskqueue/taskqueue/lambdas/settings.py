"""The environment of a function, as `template.yaml` sets it."""

import os
from collections.abc import Mapping
from typing import NamedTuple

from taskqueue.errors import NoSettings
from taskqueue.queue import Queue, queues_of
from taskqueue.sending.call import MAX_DEPTH

# Without the table nothing is sent; the others are told together with it.
_NEEDED_TO_SEND = ("TASKS_TABLE", "QUEUES", "QUEUE_URL_PREFIX", "QUEUE_ARN_PREFIX")


class Settings(NamedTuple):
    """What every function that touches the queue is told.

    `task_modules`: the modules whose `app` holds the tasks that the API knows.
    """

    tasks_table: str
    queues: Mapping[str, Queue]
    dead_letter_queue_url: str
    result_ttl_seconds: int
    schedule_group: str
    scheduler_role_arn: str
    task_modules: tuple[str, ...]
    dead_letters_table: str
    schedules_table: str
    max_task_depth: int

    @property
    def dead_letter_queue_arn(self) -> str:
        """The ARN of the dead-letter queue, which is in the account and region of the others."""
        prefixes = (queue.arn.rpartition(":")[0] for queue in self.queues.values())
        return f"{next(prefixes, '')}:{self.dead_letter_queue_url.rpartition('/')[2]}"

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Settings":
        """Read the settings; what a function does not use may be missing.

        Raises:
            NoSettings: there are none: not even TASKS_TABLE is set.
        """
        if "TASKS_TABLE" not in environment:
            raise NoSettings([name for name in _NEEDED_TO_SEND if name not in environment])
        return cls(
            tasks_table=environment["TASKS_TABLE"],
            queues=queues_of(
                environment.get("QUEUES", ""),
                environment.get("QUEUE_URL_PREFIX", ""),
                environment.get("QUEUE_ARN_PREFIX", ""),
            ),
            dead_letter_queue_url=environment.get("DEAD_LETTER_QUEUE_URL", ""),
            result_ttl_seconds=int(environment.get("RESULT_TTL_SECONDS", 7 * 24 * 60 * 60)),
            schedule_group=environment.get("SCHEDULE_GROUP", ""),
            scheduler_role_arn=environment.get("SCHEDULER_ROLE_ARN", ""),
            task_modules=tuple(filter(None, environment.get("TASK_MODULES", "").split(","))),
            dead_letters_table=environment.get("DEAD_LETTERS_TABLE", ""),
            schedules_table=environment.get("SCHEDULES_TABLE", ""),
            max_task_depth=int(environment.get("MAX_TASK_DEPTH", MAX_DEPTH)),
        )


def metrics_namespace() -> str:
    """Return the namespace of this stack's metrics, so that two stacks do not mix theirs."""
    return os.environ.get("POWERTOOLS_METRICS_NAMESPACE", "TaskQueue")
