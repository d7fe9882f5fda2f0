"""What the acceptance of rankings sends, and how it counts by hand."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.views import MAX_VIEWS
from tests.support.accept_books import SPAN_MINUTES, requests, spread
from tests.support.hand_count import best, check
from tools.errors import ToolError

NOW = datetime(2026, 11, 22, 17, 20, tzinfo=UTC)
COUNTS = Counter({"b": 3, "c": 2, "a": 2})


def _ranking(**changed: Any) -> dict[str, Any]:
    books = [
        {"rank": 1, "book": "b", "views": 3},
        {"rank": 2, "book": "a", "views": 2},
        {"rank": 3, "book": "c", "views": 2},
    ]
    return {"books": books, "views": 7, "distinct_books": 3, "segments_left_out": 0, **changed}


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=50))
def test_views_are_spread_over_the_minutes_before_now(books: list[str]) -> None:
    views = spread(books, NOW)
    times = [datetime.fromisoformat(view["at"]) for view in views]
    assert [view["book"] for view in views] == books
    assert times == sorted(times)
    assert NOW - timedelta(minutes=SPAN_MINUTES) == times[0]
    assert times[-1] < NOW


def test_requests_hold_all_views_in_another_order() -> None:
    views = spread(["a"] * (5 * MAX_VIEWS + 1), NOW)
    parts = requests(views, seed=1)
    assert max(map(len, parts)) == MAX_VIEWS
    sent = [view for part in parts for view in part]
    assert sent != views
    assert sorted(sent, key=lambda view: view["at"]) == views


def test_the_best_are_sorted_by_views_and_then_by_id() -> None:
    assert best(COUNTS) == [("b", 3), ("a", 2), ("c", 2)]
    assert best(COUNTS, 1) == [("b", 3)]


def test_a_ranking_that_agrees_with_the_count_is_accepted() -> None:
    check(_ranking(), COUNTS)
    with pytest.raises(ToolError, match="the ranking's books are"):
        check(_ranking(), COUNTS + Counter("c"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"books": _ranking()["books"][:2]}, "books are"),
        ({"books": [{**book, "rank": 1} for book in _ranking()["books"]]}, "ranks are"),
        ({"views": 8}, "views are 8, by hand 7"),
        ({"distinct_books": 2}, "distinct books are 2, by hand 3"),
        ({"segments_left_out": 1}, "segments left out are 1, by hand 0"),
    ],
)
def test_a_ranking_that_differs_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        check(_ranking(**changed), COUNTS)
