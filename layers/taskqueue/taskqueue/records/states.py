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

FINISHED = frozenset({SUCCESS, FAILURE, REVOKED})
WAITING = frozenset({PENDING, RETRY})
