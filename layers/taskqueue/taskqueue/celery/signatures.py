"""Light tasks as Celery's signatures, of which chains, groups and chords are made.

    chord([price.s(4), price.s(2)], total.s()).delay()

They are sent by this process's client, as `delay` sends, to the queues of their tasks.
"""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from celery import Celery
from celery.canvas import Signature

from taskqueue.celery.publishing import Amqp
from taskqueue.celery.results import Backend


class _Client(Celery):
    """An app that knows no tasks, and has this project's sender and result backend."""

    def _get_backend(self) -> Backend:
        from taskqueue.lambdas.wiring import result_metas

        return Backend(self, result_metas())


@functools.cache
def client() -> Celery:
    """Return the app by which signatures are sent."""
    app = _Client("taskqueue", set_as_current=False)
    app.amqp = Amqp(app)  # type: ignore[misc]
    return app


def signature(
    name: str, queue: str, args: Sequence[Any], kwargs: Mapping[str, Any], *, immutable: bool
) -> "Signature[Any]":
    """Return the signature of a light task; `immutable`: it takes no result of another."""
    return Signature(
        name,
        tuple(args),
        dict(kwargs),
        {"queue": queue},
        immutable=immutable,
        app=client(),
    )
