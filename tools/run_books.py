"""The guided run's second half: views stream in, and beat's own tick ranks the books."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from tqdm import tqdm

from tools.book_layers import CatalogueStore
from tools.book_list import read_books
from tools.deployed import Stack
from tools.errors import ToolError, say
from tools.load_catalogue import load
from tools.paths import ROOT
from tools.rest import Rest
from tools.stream_views import draw, stream

BOOKS = ROOT / "examples" / "books.csv"
VIEWS = 5_000
SEED = 1
VIEWS_PER_SECOND = 1_000
# A tick comes each minute and plans ahead; the schedule's period is 100 seconds.
RANKING_SECONDS = 300
_POLL_SECONDS = 1.0


def run_books(stack: Stack) -> None:
    """Load a catalogue, stream views, wait for the next ranking, and show it.

    Raises:
        ToolError: a step failed, or no ranking came.
    """
    books = read_books(BOOKS, "ratings_count")
    say(f"\nbooks         {len(books)} of {BOOKS.relative_to(ROOT)}, {VIEWS:,} views of them")
    load(books, CatalogueStore(stack.client("dynamodb"), stack.outputs["CatalogueTable"]))
    rest = Rest.of(stack)
    stream(rest, draw(books, VIEWS, SEED), VIEWS_PER_SECOND)
    for line in table(_next_ranking(rest)):
        say(line)


def has_all(ranking: Mapping[str, Any], sent: datetime) -> bool:
    """Whether a ranking was computed after all views were sent, and after they were counted."""
    return datetime.fromisoformat(ranking["computed_at"]) > sent and ranking["views"] >= VIEWS


def table(ranking: Mapping[str, Any]) -> Sequence[str]:
    """The ranking as lines of text."""
    head = (
        f"ranking       of {ranking['computed_at'][:19]} UTC: "
        f"{ranking['views']:,} views of {ranking['distinct_books']:,} books in the last hour"
    )
    rows = (
        f"{book['rank']:>6}  {book['views']:>7,}  {change(book['change']):>4}  "
        f"{book['title'] or book['book']} ({book['authors'] or 'not in the catalogue'})"
        for book in ranking["books"]
    )
    return [head, f"{'rank':>6}  {'views':>7}  {'':>4}  book", *rows]


def change(places: int | None) -> str:
    """Places gained since the ranking before, with the sign; `new` for a book not in that one."""
    return "new" if places is None else f"{places:+d}" if places else "="


def _next_ranking(rest: Rest) -> Mapping[str, Any]:
    """The first ranking that is computed from now on."""
    sent = datetime.now().astimezone()
    start = time.monotonic()
    with tqdm(desc="waiting for beat's next ranking", bar_format="{desc}: {elapsed}") as clock:
        while time.monotonic() < start + RANKING_SECONDS:
            answer = rest.get("/books/top")
            if answer.status == HTTPStatus.OK and has_all(answer.body, sent):
                ranking: Mapping[str, Any] = answer.body
                return ranking
            clock.update()
            time.sleep(_POLL_SECONDS)
    raise ToolError(f"no ranking came within {RANKING_SECONDS} seconds; the log says more")
