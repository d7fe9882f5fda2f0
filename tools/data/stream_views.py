"""Streams views of books at a given rate, drawn by the weights in a CSV file.

    python -m tools.data.stream_views books.csv --weight ratings_count --views 5000 --rate 500

They go to the stack on the local AWS, or to any API by --url and the key in API_KEY. The draw
depends on --seed only, so that what was sent can be counted again.
"""

from __future__ import annotations

import argparse
import os
import random
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from pathlib import Path

from tqdm import tqdm

from books.views import MAX_VIEWS
from tools.data.book_list import Row, read_books
from tools.errors import ToolError, run_tool, say
from tools.local.deployed import read_stack
from tools.local.ministack import Ministack, add_port
from tools.local.rest import Rest
from tools.local.sam import stack_name

# A request that failed is sent again, under the same key, so that its views count once.
WAITS_SECONDS = (0.2, 1, 5)
_BUSY = {
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.BAD_GATEWAY,
    HTTPStatus.SERVICE_UNAVAILABLE,
    HTTPStatus.GATEWAY_TIMEOUT,
    HTTPStatus.CONFLICT,
}


def draw(books: Sequence[Row], views: int, seed: int) -> list[str]:
    """Return the books of so many views, drawn by weight; the same for the same seed.

    Raises:
        ToolError: no book has a weight.
    """
    weights = [row.weight for row in books]
    if not any(weights):
        raise ToolError("all weights are 0")
    return random.Random(seed).choices([row.book for row in books], weights, k=views)


def batches(views: Sequence[str], rate: float) -> Iterator[Sequence[str]]:
    """Part views into requests: one a second, or more where a request cannot hold a second's."""
    size = min(MAX_VIEWS, max(1, round(rate)))
    for start in range(0, len(views), size):
        yield views[start : start + size]


def stream(
    rest: Rest,
    views: Sequence[str],
    rate: float,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Counter[str]:
    """Send the views, `rate` a second, and show how far it is; return how many of each book.

    Raises:
        ToolError: the API refused.
    """
    started, sent = clock(), 0
    with tqdm(total=len(views), unit=" views", unit_scale=True, disable=None) as bar:
        for batch in batches(views, rate):
            sleep(max(0.0, started + sent / rate - clock()))
            _send(rest, batch, sleep)
            sent += len(batch)
            bar.update(len(batch))
    return Counter(views)


def main(arguments: Sequence[str] | None = None) -> None:
    """Stream the views that the command line asks for.

    Raises:
        ToolError: they cannot be drawn or sent.
    """
    chosen = _parser().parse_args(arguments)
    views = draw(read_books(chosen.path, chosen.weight), chosen.views, chosen.seed)
    if chosen.url:
        rest = Rest(chosen.url.rstrip("/"), os.environ.get("API_KEY"))
    else:
        rest = Rest.of(read_stack(stack_name(), Ministack(chosen.port)))
    counts = stream(rest, views, chosen.rate)
    say(f"{len(views):,} views of {len(counts):,} books sent")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.stream_views", description="Stream views of books."
    )
    parser.add_argument("path", type=Path, help="a CSV file with book_id, title, authors, a weight")
    parser.add_argument("--weight", default="ratings_count", help="the column (%(default)s)")
    parser.add_argument("--views", type=_number, default=5_000, help="how many (%(default)s)")
    parser.add_argument("--rate", type=_number, default=500, help="views a second (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (%(default)s)")
    parser.add_argument("--url", help="the API's address; its key is in API_KEY")
    add_port(parser)
    return parser


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _send(rest: Rest, batch: Sequence[str], sleep: Callable[[float], None]) -> None:
    body = {"views": [{"book": book} for book in batch]}
    key = str(uuid.uuid4())
    for wait_seconds in (*WAITS_SECONDS, None):
        answer = rest.post("/views", body, idempotency_key=key)
        if answer.status not in _BUSY or wait_seconds is None:
            answer.expect(HTTPStatus.ACCEPTED)
            return
        sleep(wait_seconds)


if __name__ == "__main__":
    run_tool(main)
