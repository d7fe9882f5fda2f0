"""What the bulk loaders share: a client, the table's name, and patience where it throttles."""

import argparse
import time
from collections.abc import Callable
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from taskqueue.errors import StoreError, Throttled
from tools.errors import ToolError
from tools.local.sam import stack_name

# A table that is new takes some minutes to scale to a bulk load.
WAITS_SECONDS = (1, 2, 4, 8, 16, 32, 60, 60)


def client(service: str) -> Any:
    """Return a client of the AWS that the AWS_* environment names.

    Raises:
        ToolError: it names none, or no region.
    """
    # Its stubs want the service's name as a literal.
    make: Any = boto3.client
    try:
        return make(service, config=Config(retries={"mode": "standard", "max_attempts": 5}))
    except BotoCoreError as error:
        raise ToolError(f"no AWS to load into: {error}") from None


def stack_output(stack: str, name: str) -> str:
    """Return an output of the stack, such as the name of a table.

    Raises:
        ToolError: there is no such stack, or no such output.
    """
    try:
        answer = client("cloudformation").describe_stacks(StackName=stack)
    except (ClientError, BotoCoreError) as error:
        raise ToolError(f"the stack {stack} cannot be read: {error}") from None
    outputs = {o["OutputKey"]: o["OutputValue"] for o in answer["Stacks"][0].get("Outputs", ())}
    try:
        return str(outputs[name])
    except KeyError:
        raise ToolError(f"the stack {stack} has no output {name}") from None


def add_table(parser: argparse.ArgumentParser) -> None:
    """Let the command line name the table, or the stack whose table it is."""
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--table", help="the table's name")
    where.add_argument(
        "--stack", default=stack_name(), help="the stack whose table it is (default: %(default)s)"
    )


def put_patiently(put: Callable[[], None], sleep: Callable[[float], None] = time.sleep) -> None:
    """Call `put`, again after a while where the table throttles.

    Raises:
        ToolError: the table refused; what was put stays.
    """
    for wait_seconds in WAITS_SECONDS:
        try:
            put()
        except Throttled:
            sleep(wait_seconds)
        except StoreError as error:
            raise ToolError(f"{error}; start again to go on") from error
        else:
            return
    raise ToolError("the table goes on throttling; start again later to go on")
