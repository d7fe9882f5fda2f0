from typing import Any

import pytest

from tools.data.book_list import read_books
from tools.demo.books import BOOKS, change, table

RANKING: dict[str, Any] = {
    "books": [
        {"rank": 1, "book": "7", "title": "Emma", "authors": "J", "views": 4_200, "change": 2},
        {"rank": 2, "book": "8", "title": None, "authors": None, "views": 800, "change": None},
        {"rank": 3, "book": "9", "title": "x" * 60, "authors": "K", "views": 1, "change": 0},
    ],
    "computed_at": "2026-11-22T17:20:00.123000+00:00",
    "views": 5_001,
    "distinct_books": 3,
}


def test_the_ranking_is_a_table() -> None:
    head, names, first, second, third = table(RANKING)
    assert "of 2026-11-22T17:20:00 UTC: 5,001 views of 3 books in the last hour" in head
    assert names.split() == ["rank", "views", "title", "authors"]
    assert first.split() == ["1", "+2", "4,200", "Emma", "J"]
    assert second.split() == ["2", "new", "800", "8"]
    assert third.split() == ["3", "=", "1", f"{'x' * 47}…", "K"]
    assert first.index("J") == third.index("K") == names.index("authors")


@pytest.mark.parametrize(("places", "text"), [(None, "new"), (0, "="), (3, "+3"), (-1, "-1")])
def test_a_change_has_its_sign(places: int | None, text: str) -> None:
    assert change(places) == text


def test_the_sample_of_books_can_be_read_and_drawn_from() -> None:
    books = read_books(BOOKS, "ratings_count")
    assert len(books) >= 20
    assert all(row.weight > 0 for row in books)
