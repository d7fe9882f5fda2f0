"""The guided run's second half: views stream in, and a task ranks the books."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from books.catalogue_store import CatalogueStore
from tools.data.book_list import read_books
from tools.data.load_catalogue import load
from tools.data.stream_views import draw, stream
from tools.errors import say
from tools.local.deployed import Stack
from tools.local.rest import Rest
from tools.paths import ROOT
from tools.waiting import until

BOOKS = ROOT / "examples" / "books.csv"
VIEWS = 5_000
SEED = 1
VIEWS_PER_SECOND = 1_000
COUNTING_SECONDS = 40
RANKING_SECONDS = 30
_COUNTS = [
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
]
_MAX_TITLE_LENGTH = 48

Ranking = Mapping[str, Any]


def run_books(stack: Stack) -> None:
    """Load a catalogue, stream views, have them ranked, and show the ranking.

    Raises:
        ToolError: a step failed, or no ranking came.
    """
    books = read_books(BOOKS, "ratings_count")
    say(f"\nbooks         {len(books)} of {BOOKS.relative_to(ROOT)} go into the catalogue")
    load(books, CatalogueStore(stack.client("dynamodb"), stack.outputs["CatalogueTable"]))
    say(f"\nviews         {VIEWS:,}, {VIEWS_PER_SECOND:,} a second")
    rest = Rest.of(stack)
    stream(rest, draw(books, VIEWS, SEED), VIEWS_PER_SECOND)
    _wait_until_counted(stack.client("sqs"), stack.outputs["viewsQueueUrl"])
    counted = datetime.now(UTC)
    rest.post("/tasks/select_populate_book", {}).expect(HTTPStatus.ACCEPTED)
    for line in table(ranking_after(rest, counted, RANKING_SECONDS)):
        say(line)


def ranking_after(rest: Rest, time: datetime, seconds: float) -> Ranking:
    """Wait for a ranking that is computed after `time`, and return it.

    Raises:
        ToolError: none came within so many seconds.
    """

    def look() -> Ranking | None:
        answer = rest.get("/books/top")
        return answer.body if answer.status == HTTPStatus.OK and is_new(answer.body) else None

    def is_new(ranking: Ranking) -> bool:
        return datetime.fromisoformat(ranking["computed_at"]) > time

    return until(look, "a ranking of the books", seconds, poll_seconds=0.5)


def table(ranking: Ranking) -> Sequence[str]:
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


def _wait_until_counted(sqs: Any, queue_url: str) -> None:
    """Wait until no message is on the queue of views, those being counted included."""

    def is_empty() -> bool:
        answer = sqs.get_queue_attributes(QueueUrl=queue_url, AttributeNames=_COUNTS)
        return not any(map(int, answer["Attributes"].values()))

    until(is_empty, "all views are counted", COUNTING_SECONDS)


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
