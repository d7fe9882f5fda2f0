from typing import TYPE_CHECKING

import pytest

from social.feeds import FeedEntry, FeedStore, InvalidCursor
from social.ids import news_id
from social.news import News, NewsStore
from social.reading import MAX_READS, read_feed
from taskqueue.errors import StoreError
from tests.support.dynamodb_tables import FEEDS, NEWS, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW_MS = 1_763_827_200_000
LATER = NOW_MS // 1000 + 3_600
# One write unit holds 1 KB.
WRITE_UNIT_BYTES = 1_024


@pytest.fixture
def table(dynamodb: "DynamoDBClient") -> str:
    return create_table(dynamodb, *FEEDS)


@pytest.fixture
def feeds(dynamodb: "DynamoDBClient", table: str) -> FeedStore:
    return FeedStore(dynamodb, table)


@pytest.fixture
def news(dynamodb: "DynamoDBClient") -> NewsStore:
    return NewsStore(dynamodb, create_table(dynamodb, *NEWS))


def posted(number: int) -> str:
    return news_id(NOW_MS + number, bytes(10))


def newest_first(count: int) -> list[str]:
    return [posted(number) for number in reversed(range(count))]


def all_pages(feeds: FeedStore, user_id: str, limit: int) -> list[list[str]]:
    pages = []
    cursor = None
    while True:
        page = feeds.page(user_id, cursor, limit, now_ms=NOW_MS)
        pages.append([entry.news_id for entry in page.entries])
        cursor = page.next_cursor
        if cursor is None:
            return pages


def test_an_empty_feed_is_one_empty_page(feeds: FeedStore) -> None:
    assert all_pages(feeds, "1", 10) == [[]]


def test_a_delivery_is_in_each_users_feed_and_in_no_other(feeds: FeedStore) -> None:
    assert feeds.deliver(["1", "2"], "n1", "80", LATER) == 2

    for user in ("1", "2"):
        assert feeds.page(user, None, 10, now_ms=NOW_MS).entries == (FeedEntry("n1", "80"),)
    assert feeds.page("3", None, 10, now_ms=NOW_MS).entries == ()


@pytest.mark.parametrize("count", [0, 1, 25, 26, 1_045])
def test_any_number_of_users_is_served(
    dynamodb: "DynamoDBClient", feeds: FeedStore, table: str, count: int
) -> None:
    users = [f"u{number}" for number in range(count)]

    assert feeds.deliver(users, "n1", "80", LATER) == count

    pages = dynamodb.get_paginator("scan").paginate(TableName=table)
    found = [item["user_id"]["S"] for page in pages for item in page["Items"]]
    assert sorted(found) == sorted(users)


def test_delivering_again_changes_nothing(
    dynamodb: "DynamoDBClient", feeds: FeedStore, table: str
) -> None:
    users = [f"u{number}" for number in range(60)]
    feeds.deliver(users, "n1", "80", LATER)
    before = dynamodb.scan(TableName=table)["Items"]

    feeds.deliver(users, "n1", "80", LATER)

    assert sorted(map(str, dynamodb.scan(TableName=table)["Items"])) == sorted(map(str, before))


def test_a_user_named_twice_is_served_once(feeds: FeedStore) -> None:
    assert feeds.deliver(["1", "2", "1"], "n1", "80", LATER) == 2

    assert all_pages(feeds, "1", 10) == [["n1"]]


def test_odd_characters_reach_the_feed_as_they_are(feeds: FeedStore) -> None:
    user = 'a"b\\c\u2028é🎉'
    feeds.deliver([user], "n1", "80", LATER)

    assert all_pages(feeds, user, 10) == [["n1"]]


def test_a_delivery_is_one_write_unit_however_long_its_ids(
    dynamodb: "DynamoDBClient", feeds: FeedStore, table: str
) -> None:
    feeds.deliver(["u" * 128], "n" * 128, "a" * 128, LATER)

    [item] = dynamodb.scan(TableName=table)["Items"]
    size = sum(len(name) + len(str(next(iter(value.values())))) for name, value in item.items())
    assert size <= WRITE_UNIT_BYTES / 2


def test_pages_are_newest_first_and_meet_without_gap(feeds: FeedStore) -> None:
    for number in range(7):
        feeds.deliver(["1"], posted(number), "80", LATER)

    pages = all_pages(feeds, "1", 3)

    assert [entry for page in pages for entry in page] == newest_first(7)
    assert [len(page) for page in pages[:2]] == [3, 3]


def test_a_cursor_holds_its_place_when_news_arrives(feeds: FeedStore) -> None:
    for number in range(4):
        feeds.deliver(["1"], posted(number), "80", LATER)
    first = feeds.page("1", None, 2, now_ms=NOW_MS)

    feeds.deliver(["1"], posted(9), "80", LATER)
    second = feeds.page("1", first.next_cursor, 2, now_ms=NOW_MS)

    assert [entry.news_id for entry in second.entries] == [posted(1), posted(0)]


@pytest.mark.parametrize(
    "cursor", ["", "!", "a", "====", "Li4", "bg\n", "é", "A" * 10_000, "L2V0Yy9wYXNzd2Q"]
)
def test_a_cursor_of_nobodys_is_refused(feeds: FeedStore, cursor: str) -> None:
    with pytest.raises(InvalidCursor):
        feeds.page("1", cursor, 10, now_ms=NOW_MS)


def test_what_has_expired_is_left_out(feeds: FeedStore) -> None:
    now = NOW_MS // 1000
    for number in range(3):
        feeds.deliver(["1"], posted(number), "80", now)
    feeds.deliver(["1"], posted(3), "80", now + 1)

    assert [entry for page in all_pages(feeds, "1", 1) for entry in page] == [posted(3)]


def test_a_feed_is_read_with_its_news_and_without_deleted_ones(
    feeds: FeedStore, news: NewsStore
) -> None:
    for number in range(6):
        feeds.deliver(["1"], posted(number), "80", LATER)
        news.put(News(posted(number), "80", f"text {number}", (), NOW_MS + number))
    for number in (0, 3, 5):
        news.delete(posted(number))

    texts = []
    cursor = None
    while True:
        page = read_feed(feeds, news, "1", cursor, 1, now_ms=NOW_MS)
        texts.append([item.text for item in page.news])
        cursor = page.next_cursor
        if cursor is None:
            break

    assert [text for page in texts for text in page] == ["text 4", "text 2", "text 1"]
    assert all(texts[:-1])


def test_a_feed_of_deleted_news_is_passed_in_bounded_steps(
    feeds: FeedStore, news: NewsStore
) -> None:
    for number in range(2 * MAX_READS + 3):
        feeds.deliver(["1"], posted(number), "80", LATER)
    news.put(News(posted(0), "80", "the oldest", (), NOW_MS))

    pages: list[list[str]] = []
    cursor = None
    while not pages or cursor is not None:
        page = read_feed(feeds, news, "1", cursor, 1, now_ms=NOW_MS)
        pages.append([item.text for item in page.news])
        cursor = page.next_cursor

    assert pages[:3] == [[], [], ["the oldest"]]


def test_a_missing_table_is_a_store_error(dynamodb: "DynamoDBClient") -> None:
    feeds = FeedStore(dynamodb, "no-such-table")

    with pytest.raises(StoreError, match="ResourceNotFound"):
        feeds.deliver(["1"], "n1", "80", LATER)
    with pytest.raises(StoreError, match="ResourceNotFound"):
        feeds.page("1", None, 1, now_ms=NOW_MS)
