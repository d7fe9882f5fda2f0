"""The loader of the catalogue and the streamer of views: what they read, draw and send."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from books.catalogue_store import CatalogueStore
from books.ranking import BookInfo
from taskqueue.errors import StoreError, Throttled
from tools.data.book_list import read_books
from tools.data.load_catalogue import load
from tools.data.stream_views import batches, draw, stream
from tools.errors import ToolError
from tools.local.rest import Answer, Rest

CSV = """book_id,title,authors,ratings_count
1,"The Hunger Games (The Hunger Games, #1)",Suzanne Collins,30
2,Grüße,"J.K. Rowling, Mary GrandPré",10
x-3,,,0
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "books.csv"
    path.write_text(CSV, encoding="utf-8")
    return path


def test_books_are_read(path: Path) -> None:
    rows = read_books(path, "ratings_count")
    assert [(row.book, row.weight) for row in rows] == [("1", 30), ("2", 10), ("x-3", 0)]
    assert rows[1].info == BookInfo("Grüße", "J.K. Rowling, Mary GrandPré")
    assert [row.weight for row in read_books(path)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the header lacks book_id, title, authors"),
        ("book_id,title\n1,a\n", "line 1: the header lacks authors"),
        ("book_id,title,authors\n", "has no books"),
        ("book_id,title,authors\n1,a\n", "line 2: the row has not as many fields"),
        ("book_id,title,authors\n1,a,b,c\n", "line 2: the row has not as many fields"),
        ("book_id,title,authors\n1,a,b\na b,a,b\n", "line 3: book_id must be"),
        ("book_id,title,authors\n1,a,b\n1,a,b\n", "line 3: the book stands in the file twice"),
        (f"book_id,title,authors\n1,{'a' * 2001},b\n", "line 2: title is longer than 2000"),
    ],
)
def test_a_file_that_is_wrong_names_the_line(path: Path, text: str, message: str) -> None:
    path.write_text(text)
    with pytest.raises(ToolError, match=message):
        read_books(path)


@pytest.mark.parametrize("weight", ["-1", "many", "nan", "inf", ""])
def test_a_weight_that_is_none_names_the_line(path: Path, weight: str) -> None:
    path.write_text(f"book_id,title,authors,w\n1,a,b,{weight}\n")
    with pytest.raises(ToolError, match="line 2: w must be a number from 0 up"):
        read_books(path, "w")


def test_files_that_cannot_be_read_are_said_to_be_so(path: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be read"):
        read_books(tmp_path / "missing.csv")
    path.write_bytes(b"book_id,title,authors\n1,\xff,b\n")
    with pytest.raises(ToolError, match="UTF-8"):
        read_books(path)


@dataclass
class Catalogue:
    """Takes books; first refuses as it is told."""

    errors: list[Exception] = field(default_factory=list)
    books: dict[str, BookInfo] = field(default_factory=dict)

    def put(self, books: dict[str, BookInfo]) -> None:
        if self.errors:
            raise self.errors.pop()
        self.books |= books


def test_books_are_loaded_again_after_a_while_where_the_table_throttles(path: Path) -> None:
    catalogue, waits = Catalogue([Throttled(), Throttled()]), list[float]()
    load(read_books(path), cast("CatalogueStore", catalogue), waits.append)
    assert (list(catalogue.books), waits) == (["1", "2", "x-3"], [1, 2])


@pytest.mark.parametrize("errors", [[StoreError()], [Throttled()] * 20])
def test_a_table_that_refuses_is_said_to_do_so(path: Path, errors: list[Exception]) -> None:
    with pytest.raises(ToolError, match="start again"):
        load(read_books(path), cast("CatalogueStore", Catalogue(errors)), lambda _: None)


def test_views_are_drawn_by_weight_and_the_same_for_a_seed(path: Path) -> None:
    books = read_books(path, "ratings_count")
    drawn = draw(books, 4_000, seed=1)
    assert drawn == draw(books, 4_000, seed=1) != draw(books, 4_000, seed=2)
    counts = Counter(drawn)
    assert 2_800 < counts["1"] < 3_200
    assert counts["1"] + counts["2"] == 4_000
    with pytest.raises(ToolError, match="weights"):
        draw(read_books(path), 1, seed=1)


@given(st.integers(0, 5_000), st.floats(0.1, 10_000))
def test_requests_hold_all_views_in_order_and_at_most_1000_each(count: int, rate: float) -> None:
    views = [str(number) for number in range(count)]
    parts = list(batches(views, rate))
    assert [view for part in parts for view in part] == views
    assert all(1 <= len(part) <= min(1_000, max(1, round(rate))) for part in parts)


@dataclass
class Api:
    """Answers with these statuses in turn; keeps what was accepted by its key."""

    statuses: Iterator[int]
    taken: dict[str, list[str]] = field(default_factory=dict)

    def post(self, path: str, body: Any, idempotency_key: str) -> Answer:
        status = next(self.statuses)
        if status == HTTPStatus.ACCEPTED:
            self.taken[idempotency_key] = [view["book"] for view in body["views"]]
        return Answer(status, {}, {})


def test_views_are_sent_at_their_rate_and_again_where_the_api_is_busy() -> None:
    now = [0.0]
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        now[0] += seconds

    api = Api(iter([202, 503, 202, 202]))
    counts = stream(cast("Rest", api), list("aabbbc"), 2, lambda: now[0], sleep)
    assert counts == {"a": 2, "b": 3, "c": 1}
    assert list(api.taken.values()) == [["a", "a"], ["b", "b"], ["b", "c"]]
    assert waits == [0, 1, 0.2, 0.8]


@pytest.mark.parametrize("statuses", [[400], [503, 503, 503, 503]])
def test_an_api_that_refuses_is_said_to_do_so(statuses: list[int]) -> None:
    with pytest.raises(ToolError, match="the API answered"):
        stream(cast("Rest", Api(iter(statuses))), ["a"], 1, lambda: 0, lambda _: None)
