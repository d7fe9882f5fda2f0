"""Loads books from a CSV file with book_id, title and authors into the catalogue.

    AWS_ENDPOINT_URL=http://localhost:4566 python -m tools.data.load_catalogue books.csv

The account, or the local AWS, is that of the AWS_* environment. The whole file is checked before
anything is written; to load it again does no harm.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tqdm import tqdm

from books.catalogue_store import CatalogueStore
from taskqueue.aws.batch_items import MAX_PUTS
from tools.data import loading
from tools.data.book_list import Row, read_books
from tools.data.loading import add_table, put_patiently
from tools.errors import run_tool, say


def load(
    books: Sequence[Row], catalogue: CatalogueStore, sleep: Callable[[float], None] = time.sleep
) -> None:
    """Put the books, and show how far it is.

    Raises:
        ToolError: the table refused.
    """
    with tqdm(total=len(books), unit=" books", unit_scale=True, disable=None) as bar:
        for batch in itertools.batched(books, MAX_PUTS, strict=False):
            entries = {row.book: row.info for row in batch}
            put_patiently(functools.partial(catalogue.put, entries), sleep)
            bar.update(len(batch))


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the file that the command line names.

    Raises:
        ToolError: it cannot be loaded, or not to its end.
    """
    chosen = _parser().parse_args(arguments)
    books = read_books(chosen.path)
    table = chosen.table or loading.stack_output(chosen.stack, "CatalogueTable")
    load(books, CatalogueStore(loading.client("dynamodb"), table))
    say(f"{len(books):,} books of {chosen.path} are in {table}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.load_catalogue", description="Load books into the catalogue."
    )
    parser.add_argument("path", type=Path, help="a CSV file with book_id, title and authors")
    add_table(parser)
    return parser


if __name__ == "__main__":
    run_tool(main)
