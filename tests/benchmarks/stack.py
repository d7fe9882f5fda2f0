"""The project's stack on a local AWS of its own, quiet enough to measure on."""

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from tools.deployed import Stack
from tools.ministack import Ministack
from tools.ports import free_port
from tools.stack import up


@contextlib.contextmanager
def quiet_stack() -> Iterator[Stack]:
    """A stack that lives as long as the block, whose queues nothing consumes but the measurement.

    Raises:
        ToolError: it could not be built or deployed.
    """
    ministack = Ministack(free_port())
    try:
        stack = up(ministack)
        switch_off_consumers(stack)
        yield stack
    finally:
        ministack.stop()


def switch_off_consumers(stack: Stack) -> None:
    """Stop the polling of every queue of this AWS."""
    functions = stack.client("lambda")
    for mapping in functions.list_event_source_mappings()["EventSourceMappings"]:
        functions.update_event_source_mapping(UUID=mapping["UUID"], Enabled=False)


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
