"""Rankings and the catalogue: one contract for their tables, on both engines."""

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from books.catalogue_store import CatalogueStore
from books.ranking import BookInfo, Entry, Ranking, Window
from books.ranking_store import KEPT_SECONDS, MAX_BODY_BYTES, RankingStore, pack, unpack
from taskqueue.errors import StoreError
from tests.support.dynamodb_tables import create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW_MS = 1_790_000_000_000
RANKING = Ranking(
    entries=[
        Entry(1, "2", 7, "Harry Potter", "J.K. Rowling, Mary GrandPré", 3),
        Entry(2, "x", 6),
    ],
    window=Window(29_833_274, 29_833_333),
    computed_at_ms=NOW_MS,
    views=13,
    distinct_books=2,
    segments_left_out=1,
)


@pytest.fixture
def rankings(dynamodb: "DynamoDBClient") -> RankingStore:
    return RankingStore(dynamodb, create_table(dynamodb, "name", "at"))


@pytest.fixture
def catalogue(dynamodb: "DynamoDBClient") -> CatalogueStore:
    return CatalogueStore(dynamodb, create_table(dynamodb, "book_id"))


def at(ms: int) -> Ranking:
    return replace(RANKING, computed_at_ms=ms)


def test_the_latest_ranking_is_read_as_it_was_put(rankings: RankingStore) -> None:
    assert rankings.latest() is None
    rankings.put(RANKING)
    assert rankings.latest() == RANKING


def test_an_older_ranking_does_not_replace_a_later_one(rankings: RankingStore) -> None:
    for ms in (NOW_MS, NOW_MS + 2, NOW_MS + 1, NOW_MS + 2):
        rankings.put(at(ms))
    assert rankings.latest() == at(NOW_MS + 2)
    assert rankings.at(NOW_MS + 1, now_ms=NOW_MS) == at(NOW_MS + 1)


def test_an_earlier_ranking_is_the_latest_of_its_time(rankings: RankingStore) -> None:
    for ms in (NOW_MS, NOW_MS + 100_000, NOW_MS + 200_000):
        rankings.put(at(ms))
    assert rankings.at(NOW_MS - 1, now_ms=NOW_MS) is None
    assert rankings.at(NOW_MS, now_ms=NOW_MS) == at(NOW_MS)
    assert rankings.at(NOW_MS + 199_999, now_ms=NOW_MS) == at(NOW_MS + 100_000)
    assert rankings.at(10**13 - 1, now_ms=NOW_MS) == at(NOW_MS + 200_000)


def test_a_ranking_that_has_expired_is_not_read_though_it_is_not_removed_yet(
    rankings: RankingStore,
) -> None:
    for ms in (NOW_MS, NOW_MS + 100_000):
        rankings.put(at(ms))
    expiry_ms = NOW_MS + KEPT_SECONDS * 1000
    assert rankings.at(NOW_MS, now_ms=expiry_ms - 1) == at(NOW_MS)
    assert rankings.at(NOW_MS, now_ms=expiry_ms) is None
    assert rankings.at(NOW_MS + 100_000, now_ms=expiry_ms) == at(NOW_MS + 100_000)


def test_a_ranking_is_one_read_unit_whatever_its_books_are_called() -> None:
    letters = random.Random(1)
    entries = [
        Entry(
            rank,
            f"{rank}",
            1,
            *(("".join(map(chr, letters.choices(range(0x4E00, 0x9FFF), k=500))),) * 2),
        )
        for rank in range(1, 11)
    ]
    body = pack(replace(RANKING, entries=entries))
    assert len(body) <= MAX_BODY_BYTES
    read = unpack(body)
    assert [entry.book for entry in read.entries] == [entry.book for entry in entries]
    assert all(entry.title and entry.title.endswith("…") for entry in read.entries)


def test_books_are_read_as_they_were_put_and_unknown_ones_left_out(
    catalogue: CatalogueStore,
) -> None:
    books = {str(number): BookInfo(f"Bücher {number} 🎉", "") for number in range(25)}
    catalogue.put(books)
    assert catalogue.get([*books, "unknown", "1"]) == books


def test_more_books_than_a_request_takes_are_read(catalogue: CatalogueStore) -> None:
    books = {str(number): BookInfo(str(number), "a") for number in range(120)}
    for start in range(0, 120, 25):
        catalogue.put(dict(list(books.items())[start : start + 25]))
    assert catalogue.get(books) == books


def test_a_table_that_is_not_there_is_a_store_error(dynamodb: "DynamoDBClient") -> None:
    with pytest.raises(StoreError):
        RankingStore(dynamodb, "missing").put(RANKING)
    with pytest.raises(StoreError):
        CatalogueStore(dynamodb, "missing").get(["1"])
