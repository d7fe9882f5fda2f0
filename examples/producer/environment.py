"""Prints the environment in which a process sends tasks to a stack: that of its producer function.

eval "$(python -m examples.producer.environment taskqueue-local)"
"""

import shlex
import sys

import boto3


def environment(stack: str) -> dict[str, str]:
    """Return the environment variables of the stack's producer, by name."""
    function = boto3.client("lambda").get_function_configuration(FunctionName=f"{stack}-producer")
    return dict(function["Environment"]["Variables"])


if __name__ == "__main__":
    for name, value in environment(sys.argv[1]).items():
        print(f"export {name}={shlex.quote(value)}")
