from datetime import UTC, datetime
from typing import Any

import pytest

from tools.book_list import read_books
from tools.run_books import BOOKS, VIEWS, change, has_all, table

RANKING: dict[str, Any] = {
    "books": [
        {"rank": 1, "book": "7", "title": "Emma", "authors": "J", "views": 4_200, "change": 2},
        {"rank": 2, "book": "8", "title": None, "authors": None, "views": 800, "change": None},
    ],
    "computed_at": "2026-11-22T17:20:00.123000+00:00",
    "views": VIEWS,
    "distinct_books": 2,
}


def test_the_ranking_is_a_table() -> None:
    head, names, first, second = table(RANKING)
    assert head.endswith("of 2026-11-22T17:20:00 UTC: 5,000 views of 2 books in the last hour")
    assert names.split() == ["rank", "views", "book"]
    assert first.split() == ["1", "4,200", "+2", "Emma", "(J)"]
    assert second.split() == ["2", "800", "new", "8", "(not", "in", "the", "catalogue)"]


@pytest.mark.parametrize(("places", "text"), [(None, "new"), (0, "="), (3, "+3"), (-1, "-1")])
def test_a_change_has_its_sign(places: int | None, text: str) -> None:
    assert change(places) == text


@pytest.mark.parametrize(
    ("sent_minute", "views", "is_so"),
    [(19, VIEWS, True), (19, VIEWS - 1, False), (21, VIEWS, False)],
)
def test_a_ranking_has_all_once_the_views_are_sent_and_counted(
    sent_minute: int, views: int, is_so: bool
) -> None:
    sent = datetime(2026, 11, 22, 17, sent_minute, tzinfo=UTC)
    assert has_all({**RANKING, "views": views}, sent) is is_so


def test_the_sample_of_books_can_be_read_and_drawn_from() -> None:
    books = read_books(BOOKS, "ratings_count")
    assert len(books) >= 20
    assert all(row.weight > 0 for row in books)
