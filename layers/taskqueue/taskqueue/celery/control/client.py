"""`app.control` of a client whose tasks run here.

    app = Celery("proj", control="taskqueue.celery:Control")

There are no workers to ask. Each queue that the app knows answers as one: `celery@<queue>`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from celery.app import control
from celery.utils.functional import maybe_list
from kombu.matcher import match

from taskqueue.celery.control.panel import Panel
from taskqueue.celery.control.records import Records


class Control(control.Control):
    """Celery's client of remote control, whose broadcasts are answered here and now.

    What only a worker's process could do raises `NotImplementedError`.
    """

    def nodename(self, queue: str) -> str:
        """Return the name under which a queue answers."""
        return f"celery@{queue}"

    def broadcast(
        self,
        command: str,
        arguments: Mapping[str, Any] | None = None,
        destination: Sequence[str] | str | None = None,
        connection: Any = None,  # noqa: ARG002 - as Celery calls it
        reply: bool = False,
        timeout: float = 1.0,  # noqa: ARG002
        limit: int | None = None,
        callback: Callable[..., Any] | None = None,
        channel: Any = None,  # noqa: ARG002
        pattern: str | None = None,
        matcher: Any = None,
        **more: Any,
    ) -> list[dict[str, Any]] | None:
        """Carry a command out; return what each queue answers, if a reply is asked for.

        Raises:
            NotImplementedError: it would need a worker's process.
            ImproperlyConfigured: the app's results are not in the table of task records.
            StoreError, Throttled: the table could not be read or written.
        """
        nodes = self._nodes(destination, pattern, matcher)
        if not nodes:
            return [] if reply else None
        panel = Panel(self.app, nodes, Records.of(self.app))
        answers = panel.answers(command, {**(arguments or {}), **more})
        replies = [{node: answer} for node, answer in answers.items()][:limit]
        if callback:
            for one in replies:
                callback(one)
        return replies if reply else None

    def _nodes(
        self, destination: Sequence[str] | str | None, pattern: str | None, matcher: Any
    ) -> dict[str, str]:
        """Return the queues that are asked, by their names as nodes."""
        wanted = maybe_list(destination)
        queues = {self.nodename(queue): queue for queue in self.app.amqp.queues}
        return {
            node: queue
            for node, queue in queues.items()
            if (not wanted or node in wanted)
            and (not pattern or match(node.encode(), pattern.encode(), matcher))
        }
