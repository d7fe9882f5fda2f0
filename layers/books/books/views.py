"""Views of books: their form in messages, which are taken, and to which minute they belong. Pure.

In a message, a view is the pair `[book id, time in milliseconds since the epoch]`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from books.errors import InvalidView

MINUTE_MS = 60_000
MAX_VIEWS = 1_000
MAX_BOOK_LENGTH = 128
# Clocks differ: a view may be a little ahead of ours.
MAX_AHEAD_MS = MINUTE_MS
# Line ends part the ids in stored items; spaces and quotes have no place in an id either.
_BOOK = re.compile(r"[A-Za-z0-9._~@:-]+")


@dataclass(frozen=True, slots=True)
class View:
    """Someone looked at `book` at `at_ms`."""

    book: str
    at_ms: int

    @property
    def minute(self) -> int:
        """The minute it belongs to, counted since the epoch."""
        return self.at_ms // MINUTE_MS


def refusal(at_ms: int, now_ms: int, window_minutes: int) -> str | None:
    """Return why a view of that time is not counted, or None: it is."""
    if at_ms < now_ms - window_minutes * MINUTE_MS:
        return f"is older than the window of {window_minutes} minutes"
    if at_ms > now_ms + MAX_AHEAD_MS:
        return "is more than a minute in the future"
    return None


def is_book(book: object) -> bool:
    """Whether `book` can be a book's id."""
    return isinstance(book, str) and len(book) <= MAX_BOOK_LENGTH and bool(_BOOK.fullmatch(book))


def pairs(views: Sequence[View]) -> list[list[Any]]:
    """Return views as they stand in a message."""
    return [[view.book, view.at_ms] for view in views]


def read_pairs(
    content: object, sent_at_ms: int, window_minutes: int, *, grace_minutes: int = 1
) -> list[View]:
    """Read the views of a message that was sent at `sent_at_ms`.

    A minute's grace goes to those that the API took just before they left the window.

    Raises:
        InvalidView: one of them is no view, or not of this time.
    """
    if not isinstance(content, list) or not 1 <= len(content) <= MAX_VIEWS:
        raise InvalidView(0, "list", f"must hold 1 to {MAX_VIEWS} pairs of book and time")
    views = [_read_pair(index, pair) for index, pair in enumerate(content)]
    for index, view in enumerate(views):
        reason = refusal(view.at_ms, sent_at_ms, window_minutes + grace_minutes)
        if reason:
            raise InvalidView(index, "at", reason)
    return views


def _read_pair(index: int, pair: object) -> View:
    if not isinstance(pair, list) or len(pair) != 2:
        raise InvalidView(index, "pair", "must be a book and a time")
    book, at_ms = pair
    if not is_book(book):
        raise InvalidView(index, "book", "is not the id of a book")
    if not isinstance(at_ms, int) or isinstance(at_ms, bool) or at_ms < 0:
        raise InvalidView(index, "at", "must be milliseconds since the epoch")
    return View(book, at_ms)
