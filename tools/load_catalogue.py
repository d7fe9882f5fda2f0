"""Loads books from a CSV file with book_id, title and authors into the catalogue.

    AWS_ENDPOINT_URL=http://localhost:4566 python -m tools.load_catalogue books.csv

The account, or the local AWS, is that of the AWS_* environment. The whole file is checked before
anything is written; to load it again does no harm.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from tools.book_layers import MAX_PUTS, CatalogueStore, StoreError, Throttled
from tools.book_list import Row, read_books
from tools.errors import ToolError, run_tool, say
from tools.sam import stack_name

# A table that is new takes some minutes to scale to a bulk load.
WAITS_SECONDS = (1, 2, 4, 8, 16, 32, 60, 60)


def load(
    books: Sequence[Row], catalogue: CatalogueStore, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Put the books, and show how far it is.

    Raises:
        ToolError: the table refused.
    """
    with tqdm(total=len(books), unit=" books", unit_scale=True) as bar:
        for batch in itertools.batched(books, MAX_PUTS, strict=False):
            _put(catalogue, batch, sleep)
            bar.update(len(batch))


def table_of_stack(stack: str) -> str:
    """Return the name of the catalogue's table in the stack's outputs.

    Raises:
        ToolError: there is no such stack, or no such output.
    """
    try:
        answer = _client("cloudformation").describe_stacks(StackName=stack)
    except (ClientError, BotoCoreError) as error:
        raise ToolError(f"the stack {stack} cannot be read: {error}") from None
    outputs = {o["OutputKey"]: o["OutputValue"] for o in answer["Stacks"][0].get("Outputs", ())}
    try:
        return str(outputs["CatalogueTable"])
    except KeyError:
        raise ToolError(f"the stack {stack} has no output CatalogueTable") from None


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the file that the command line names.

    Raises:
        ToolError: it cannot be loaded, or not to its end.
    """
    chosen = _parser().parse_args(arguments)
    books = read_books(chosen.path)
    table = chosen.table or table_of_stack(chosen.stack)
    load(books, CatalogueStore(_client("dynamodb"), table))
    say(f"{len(books):,} books of {chosen.path} are in {table}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.load_catalogue", description="Load books into the catalogue."
    )
    parser.add_argument("path", type=Path, help="a CSV file with book_id, title and authors")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--table", help="the table's name")
    where.add_argument(
        "--stack", default=stack_name(), help="the stack whose table it is (default: %(default)s)"
    )
    return parser


def _put(catalogue: CatalogueStore, books: Sequence[Row], sleep: Callable[[float], None]) -> None:
    """Put the books, again after a while where the table throttles."""
    for wait_seconds in WAITS_SECONDS:
        try:
            catalogue.put({row.book: row.info for row in books})
        except Throttled:
            sleep(wait_seconds)
        except StoreError as error:
            raise ToolError(f"{error}; start again to load all") from error
        else:
            return
    raise ToolError("the table goes on throttling; start again later")


def _client(service: str) -> Any:
    # Its stubs want the service's name as a literal.
    make: Any = boto3.client
    try:
        return make(service, config=Config(retries={"mode": "standard", "max_attempts": 5}))
    except BotoCoreError as error:
        raise ToolError(f"no AWS to load into: {error}") from None


if __name__ == "__main__":
    run_tool(main)
