"""The states of a task, named as Celery names them.

https://docs.celeryq.dev/en/stable/reference/celery.states.html
"""

PENDING = "PENDING"
STARTED = "STARTED"
PROGRESS = "PROGRESS"
RETRY = "RETRY"
SUCCESS = "SUCCESS"
FAILURE = "FAILURE"
REVOKED = "REVOKED"
# Of a Celery task that raised `Ignore`: its run has ended, and said nothing of a result.
IGNORED = "IGNORED"

FINISHED = frozenset({SUCCESS, FAILURE, REVOKED, IGNORED})
WAITING = frozenset({PENDING, RETRY})
