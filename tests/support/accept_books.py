"""Stream views of a real list of books, and compare the ranking with a count by hand.

    python -m tests.support.accept_books books.csv --views 200000

On the running stack (`make run`), whose views of before are forgotten: once as things are, then
while every tenth message is delivered twice, a consumer of views is killed between its write and
its acknowledgement, and rankings are made two at once.
"""

from __future__ import annotations

import argparse
import random
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import batched
from pathlib import Path
from typing import Any

from tqdm import tqdm

from books.catalogue_store import CatalogueStore
from books.views import MAX_VIEWS
from tests.faults.duplicates import duplicated
from tests.faults.lost_acknowledgement import killed_once_it_has_written
from tests.support.hand_count import (
    Ranking,
    check,
    forget_views,
    ranking_of,
    start_ranking,
    wait_until_counted,
)
from tools.data.book_list import read_books
from tools.data.load_catalogue import load
from tools.data.stream_views import draw
from tools.demo.books import table
from tools.errors import ToolError, run_tool, say
from tools.local.deployed import Stack, read_stack
from tools.local.ministack import Ministack, add_port
from tools.local.rest import Rest
from tools.local.sam import stack_name

# The views' own times reach so far back, so that most of their minutes are closed and folded.
SPAN_MINUTES = 40
RANKINGS_AT_ONCE = 2
# So often rankings are made while views stream in.
REQUESTS_PER_RANKING = 20

View = dict[str, str]


def spread(books: Sequence[str], now: datetime) -> list[View]:
    """Views of these books, one after the other, over the minutes before `now`."""
    step = timedelta(minutes=SPAN_MINUTES) / len(books)
    start = now - timedelta(minutes=SPAN_MINUTES)
    return [
        {"book": book, "at": (start + step * index).isoformat()} for index, book in enumerate(books)
    ]


def requests(views: Sequence[View], seed: int) -> list[Sequence[View]]:
    """Parts of the views for a request each, in an order in which many come late."""
    parts: list[Sequence[View]] = list(batched(views, MAX_VIEWS, strict=False))
    random.Random(seed).shuffle(parts)
    return parts


class Acceptance:
    """Streams the same views through a stack, and checks its rankings."""

    def __init__(self, stack: Stack, books: Sequence[str], seed: int) -> None:
        self._stack = stack
        self._books = books
        self._seed = seed
        self._rest = Rest.of(stack)
        self._counts = Counter(books)

    def as_things_are(self) -> None:
        """Stream, rank and compare."""
        self._forget()
        self._stream()
        say(f"as it is      {self._verdict(self._rank_at_once(1))}")

    def with_trouble(self) -> None:
        """The same with duplicates, a killed consumer, and rankings meanwhile, two at once."""
        self._forget()
        meanwhile: list[str] = []
        with (
            duplicated(self._stack, ["ProducerFunction"]) as duplicator,
            killed_once_it_has_written(self._stack) as killed,
        ):
            self._stream(lambda: meanwhile.extend(self._start_rankings()))
        if not killed:
            raise ToolError("no consumer was killed")
        say(f"twice         {duplicator.copied} of {duplicator.sent} messages of views")
        say("killed        a consumer of views, between its write and its acknowledgement")
        for task_id in meanwhile:
            ranking_of(self._rest, task_id)
        say(f"meanwhile     {len(meanwhile)} rankings, {RANKINGS_AT_ONCE} at once")
        say(f"with trouble  {self._verdict(self._rank_at_once(RANKINGS_AT_ONCE))}")

    def _forget(self) -> None:
        wait_until_counted(self._stack)
        say(f"\nforgotten     {forget_views(self._stack):,} items of views of before")

    def _stream(self, now_and_then: Callable[[], None] | None = None) -> None:
        views = spread(self._books, datetime.now(UTC))
        with tqdm(total=len(views), unit=" views", unit_scale=True) as bar:
            for number, part in enumerate(requests(views, self._seed), 1):
                self._rest.post("/views", {"views": part}).expect(HTTPStatus.ACCEPTED)
                bar.update(len(part))
                if now_and_then and number % REQUESTS_PER_RANKING == 0:
                    now_and_then()
        wait_until_counted(self._stack)

    def _start_rankings(self) -> list[str]:
        return [start_ranking(self._rest) for _ in range(RANKINGS_AT_ONCE)]

    def _rank_at_once(self, number: int) -> Ranking:
        """Make so many rankings at once, and check each, and what readers get afterwards."""
        started = time.monotonic()
        rankings = [
            ranking_of(self._rest, task_id)
            for task_id in [start_ranking(self._rest) for _ in range(number)]
        ]
        say(f"ranked        {number} at once ({time.monotonic() - started:.1f} s)")
        top: dict[str, Any] = self._rest.get("/books/top").expect(HTTPStatus.OK)
        for ranking in (*rankings, top):
            check(ranking, self._counts)
        return top

    def _verdict(self, ranking: Ranking) -> str:
        return (
            f"the books and their counts are those counted by hand: {ranking['views']:,} views "
            f"of {ranking['distinct_books']:,} books\n" + "\n".join(table(ranking)[1:])
        )


def main() -> None:
    """Draw the views, and accept what the stack does with them."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.support.accept_books", description=__doc__
    )
    parser.add_argument("path", type=Path, help="a CSV file with book_id, title, authors, a weight")
    parser.add_argument("--weight", default="ratings_count", help="the column (%(default)s)")
    parser.add_argument("--views", type=int, default=200_000, help="how many (%(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of the draw (%(default)s)")
    add_port(parser)
    chosen = parser.parse_args()
    books = read_books(chosen.path, chosen.weight)
    drawn = draw(books, chosen.views, chosen.seed)
    stack = read_stack(stack_name(), Ministack(chosen.port))
    load(books, CatalogueStore(stack.client("dynamodb"), stack.outputs["CatalogueTable"]))
    acceptance = Acceptance(stack, drawn, chosen.seed)
    acceptance.as_things_are()
    acceptance.with_trouble()


if __name__ == "__main__":
    run_tool(main)
