"""The guided run's second half: views stream in, and beat's own tick ranks the books."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from tqdm import tqdm

from books.catalogue_store import CatalogueStore
from tests.support.raw_queue import RawQueue
from tools.data.book_list import read_books
from tools.data.load_catalogue import load
from tools.data.stream_views import draw, stream
from tools.errors import ToolError, say
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.paths import ROOT

BOOKS = ROOT / "examples" / "books.csv"
VIEWS = 5_000
SEED = 1
VIEWS_PER_SECOND = 1_000
SCHEDULE = "select_populate_book"
# A tick comes each minute and plans ahead; the schedule's period is 100 seconds.
RANKING_SECONDS = 300
_POLL_SECONDS = 0.5
_MAX_TITLE_LENGTH = 48


def run_books(stack: Stack) -> None:
    """Load a catalogue, stream views, wait for the next ranking, and show it.

    Raises:
        ToolError: a step failed, or no ranking came.
    """
    books = read_books(BOOKS, "ratings_count")
    say(f"\nbooks         {len(books)} of {BOOKS.relative_to(ROOT)} go into the catalogue")
    load(books, CatalogueStore(stack.client("dynamodb"), stack.outputs["CatalogueTable"]))
    say(f"\nviews         {VIEWS:,}, {VIEWS_PER_SECOND:,} a second")
    rest = Rest.of(stack)
    stream(rest, draw(books, VIEWS, SEED), VIEWS_PER_SECOND)
    RawQueue(stack.client("sqs"), stack.outputs["ViewsQueueUrl"]).wait_until_empty()
    ranking = _next_ranking(rest, datetime.now(UTC))
    for line in table(ranking):
        say(line)


def table(ranking: Mapping[str, Any]) -> Sequence[str]:
    """The ranking as lines of text."""
    head = (
        f"ranking       of {ranking['computed_at'][:19]} UTC: "
        f"{ranking['views']:,} views of {ranking['distinct_books']:,} books in the last hour\n"
    )
    names = _line("rank", "", "views", "title", "authors")
    return [head, names, *(_row(book) for book in ranking["books"])]


def change(places: int | None) -> str:
    """Places gained since the ranking before, with the sign; `new` for a book not in that one."""
    return "new" if places is None else f"{places:+d}" if places else "="


def waiting(next_run: str | None, now: datetime) -> str:
    """What is waited for, and how long that will be; `next_run` is the schedule's, if it has one.

    Beat knows the schedules that stand in code from its first tick on.
    """
    if next_run is None:
        return "waiting for beat's first tick, which comes within a minute"
    seconds = max(0, round((datetime.fromisoformat(next_run) - now).total_seconds()))
    return f"waiting for beat's next ranking, in {seconds} s"


def _next_ranking(rest: Rest, counted: datetime) -> Mapping[str, Any]:
    """The first ranking that is computed after all views were counted.

    Raises:
        ToolError: none came.
    """
    deadline = time.monotonic() + RANKING_SECONDS
    with tqdm(bar_format="{desc}", desc=waiting(None, counted)) as line:
        while time.monotonic() < deadline:
            answer = rest.get("/books/top")
            if answer.status == HTTPStatus.OK and _is_after(answer.body, counted):
                ranking: Mapping[str, Any] = answer.body
                return ranking
            schedule = rest.get(f"/schedules/{SCHEDULE}")
            next_run = schedule.body["next_run"] if schedule.status == HTTPStatus.OK else None
            line.set_description_str(waiting(next_run, datetime.now(UTC)))
            time.sleep(_POLL_SECONDS)
    raise ToolError(f"no ranking came within {RANKING_SECONDS} seconds; the log says more")


def _is_after(ranking: Mapping[str, Any], counted: datetime) -> bool:
    return datetime.fromisoformat(ranking["computed_at"]) > counted


def _row(book: Mapping[str, Any]) -> str:
    return _line(
        str(book["rank"]),
        change(book["change"]),
        f"{book['views']:,}",
        book["title"] or book["book"],
        book["authors"] or "",
    )


def _line(rank: str, moved: str, views: str, title: str, authors: str) -> str:
    short = title if len(title) <= _MAX_TITLE_LENGTH else f"{title[: _MAX_TITLE_LENGTH - 1]}…"
    return f"{rank:>4}  {moved:>4}  {views:>7}  {short:<{_MAX_TITLE_LENGTH}}  {authors}".rstrip()
