"""Beat ticked by hand, and the schedules that a test makes."""

import base64
import json
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from tests.support.raw_queue import RawQueue
from tools.local.deployed import Stack
from tools.local.rest import Rest

Line = dict[str, Any]


@dataclass(frozen=True)
class Beat:
    """The beat function of a stack."""

    stack: Stack

    def tick(self) -> Sequence[Line]:
        """Tick once; return what the function logged."""
        answer = self.stack.client("lambda").invoke(
            FunctionName=self.stack.resources("AWS::Lambda::Function")["BeatFunction"],
            LogType="Tail",
        )
        assert "FunctionError" not in answer, answer["Payload"].read()
        text = base64.b64decode(answer["LogResult"]).decode()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def ticks_at_once(self, number: int) -> None:
        """Tick in so many machines at the same time."""
        with ThreadPoolExecutor(number) as machines:
            list(machines.map(lambda _: self.tick(), range(number)))

    @contextmanager
    def without_its_rule(self) -> Iterator[None]:
        """While nothing ticks but the test."""
        events = self.stack.client("events")
        rules = self.stack.resources("AWS::Events::Rule").values()
        for rule in rules:
            events.disable_rule(Name=rule)
        try:
            yield
        finally:
            for rule in rules:
                events.enable_rule(Name=rule)


def last_task_id(rest: Rest, schedule: str) -> str | None:
    """Return the id of the task whose time has come last, if one's has."""
    found: str | None = rest.get(f"/schedules/{schedule}").expect(200)["last_task_id"]
    return found


@dataclass
class Schedules:
    """Schedules of one test, each of the task `notify_friends` for a user without friends."""

    stack: Stack
    rest: Rest
    names: list[str] = field(default_factory=list)

    def put(self, **definition: Any) -> str:
        """Add a schedule under a new name, and return the name."""
        name = f"test-{uuid.uuid4().hex}"
        self.change(name, **definition)
        self.names.append(name)
        return name

    def change(self, name: str, **definition: Any) -> None:
        """Set a schedule."""
        body = {"task": "notify_friends", "args": [name, "news"], **definition}
        self.rest.call("PUT", f"/schedules/{name}", body).expect(200)

    def get(self, name: str) -> dict[str, Any]:
        """Read a schedule."""
        found: dict[str, Any] = self.rest.get(f"/schedules/{name}").expect(200)
        return found

    def set_cursor(self, name: str, cursor_ms: int) -> None:
        """As if no beat had ticked since then."""
        self.stack.client("dynamodb").update_item(
            TableName=self.stack.outputs["SchedulesTable"],
            Key={"name": {"S": name}},
            UpdateExpression="SET cursor_ms = :cursor",
            ExpressionAttributeValues={":cursor": {"N": str(cursor_ms)}},
        )

    def set_definition(self, name: str, definition: str) -> None:
        """Write what stands in the row past the API, which would refuse it."""
        self.stack.client("dynamodb").update_item(
            TableName=self.stack.outputs["SchedulesTable"],
            Key={"name": {"S": name}},
            UpdateExpression="SET #definition = :definition",
            ExpressionAttributeNames={"#definition": "definition"},
            ExpressionAttributeValues={":definition": {"S": definition}},
        )

    def remove_all(self) -> None:
        """Remove them, and what was sent ahead of them."""
        for name in self.names:
            self.rest.delete(f"/schedules/{name}")
        queue = RawQueue.of(self.stack)
        queue.sqs.purge_queue(QueueUrl=queue.url)
