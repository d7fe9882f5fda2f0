from typing import TYPE_CHECKING

import pytest

from social.news import News, NewsStore
from taskqueue.errors import StoreError
from tests.support.dynamodb_tables import NEWS, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

POST = News(
    "n1", "80", 'Grüße 🎉\n"quoted"', ("https://a/1.jpg", "https://a/2.jpg"), 1_763_827_200_123
)


@pytest.fixture
def news(dynamodb: "DynamoDBClient") -> NewsStore:
    return NewsStore(dynamodb, create_table(dynamodb, *NEWS))


def post(number: int) -> News:
    return News(f"n{number:03}", "80", f"text {number}", (), number)


def test_news_is_read_as_it_was_put(news: NewsStore) -> None:
    news.put(POST)

    assert news.get("n1") == POST


def test_news_may_have_neither_text_nor_photos(news: NewsStore) -> None:
    empty = News("n1", "80", "", (), 0)
    news.put(empty)

    assert news.get("n1") == empty


def test_unknown_news_is_none(news: NewsStore) -> None:
    assert news.get("n1") is None


def test_deleted_news_is_gone_and_deleting_again_is_harmless(news: NewsStore) -> None:
    news.put(POST)

    news.delete("n1")
    news.delete("n1")

    assert news.get("n1") is None
    assert news.batch_get(["n1"]) == {}


def test_many_are_read_at_once_and_missing_ones_left_out(news: NewsStore) -> None:
    for number in range(120):
        news.put(post(number))
    ids = [f"n{number:03}" for number in range(130)]

    found = news.batch_get([*ids, "n000", "n119"])

    assert found == {f"n{number:03}": post(number) for number in range(120)}


def test_none_asked_for_is_no_request(news: NewsStore) -> None:
    assert news.batch_get([]) == {}


def test_a_missing_table_is_a_store_error(dynamodb: "DynamoDBClient") -> None:
    news = NewsStore(dynamodb, "no-such-table")

    for request in (
        lambda: news.put(POST),
        lambda: news.get("n1"),
        lambda: news.delete("n1"),
        lambda: news.batch_get(["n1"]),
    ):
        with pytest.raises(StoreError, match="ResourceNotFound"):
            request()
