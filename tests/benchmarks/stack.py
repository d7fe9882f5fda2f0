"""The project's stack on a local AWS of its own, quiet enough to measure on."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.local.deployed import Stack
from tools.local.ministack import Ministack
from tools.local.ports import free_port
from tools.local.stack import up


@contextlib.contextmanager
def quiet_stack() -> Iterator[Stack]:
    """A stack that lives as long as the block, in which nothing runs but what is measured.

    Raises:
        ToolError: it could not be built or deployed.
    """
    ministack = Ministack(free_port())
    try:
        stack = up(ministack)
        Switches(stack).turn_all_off()
        yield stack
    finally:
        ministack.stop()


class Switches:
    """Turns on and off what works by itself: the polling of queues, and the rules' ticks."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._functions = stack.client("lambda")
        self._events = stack.client("events")

    def turn_all_off(self) -> None:
        """Let nothing run but what is asked to."""
        for mapping in self._mappings():
            self._functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)
        for rule in self._rules():
            self._events.disable_rule(Name=rule)

    def turn_on_schedule(self, logical_id: str) -> None:
        """Let beat tick, and one consumer run what it sends."""
        name = self._stack.resources("AWS::Lambda::Function")[logical_id]
        for mapping in self._mappings():
            if mapping["FunctionArn"].endswith(f":{name}"):
                self._functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=True)
        for rule in self._rules():
            self._events.enable_rule(Name=rule)

    def _mappings(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self._functions.list_event_source_mappings()[
            "EventSourceMappings"
        ]
        return found

    def _rules(self) -> list[str]:
        return [rule["Name"] for rule in self._events.list_rules()["Rules"]]


def built_folder(stack: Stack) -> Path:
    """What the stack was deployed from: the built template, its functions and layers."""
    return Ministack(stack.port).built


def function_variables(stack: Stack, logical_id: str) -> Mapping[str, str]:
    """The environment that the template gives to a function, as deployed."""
    name = stack.resources("AWS::Lambda::Function")[logical_id]
    configuration = stack.client("lambda").get_function_configuration(FunctionName=name)
    variables: dict[str, str] = configuration["Environment"]["Variables"]
    return variables


def function_environ(stack: Stack, logical_id: str) -> dict[str, str]:
    """The environment of a process that stands in for a function of the stack."""
    return {
        **stack.environ({"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")}),
        **function_variables(stack, logical_id),
        "AWS_LAMBDA_FUNCTION_NAME": logical_id,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
    }
