from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from social.friends import FriendPage, FriendStore, SelfFriendship
from taskqueue.errors import StoreError
from tests.support.dynamodb_tables import FRIENDS, create_table

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@pytest.fixture
def friends(dynamodb: "DynamoDBClient") -> FriendStore:
    return FriendStore(dynamodb, create_table(dynamodb, *FRIENDS))


def friends_of(store: FriendStore, user_id: str) -> tuple[str, ...]:
    return store.page(user_id, None, 10_000).ids


def test_a_user_without_friends_has_an_empty_page(friends: FriendStore) -> None:
    assert friends.page("1", None, 10) == FriendPage((), None)


def test_friendship_goes_both_ways_and_again_is_harmless(friends: FriendStore) -> None:
    friends.befriend("1", "2")
    friends.befriend("2", "1")
    friends.befriend("1", "3")

    assert friends_of(friends, "1") == ("2", "3")
    assert friends_of(friends, "2") == ("1",)
    assert friends_of(friends, "3") == ("1",)


def test_ending_a_friendship_goes_both_ways_and_again_is_harmless(friends: FriendStore) -> None:
    friends.befriend("1", "2")
    friends.befriend("1", "3")

    friends.unfriend("2", "1")
    friends.unfriend("1", "2")

    assert friends_of(friends, "1") == ("3",)
    assert friends_of(friends, "2") == ()


def test_nobody_is_their_own_friend(friends: FriendStore) -> None:
    for change in (friends.befriend, friends.unfriend):
        with pytest.raises(SelfFriendship):
            change("1", "1")
    with pytest.raises(SelfFriendship):
        friends.put_many([("1", "2"), ("3", "3")])

    assert friends_of(friends, "1") == ()


def test_pages_follow_each_other_in_the_order_of_ids(friends: FriendStore) -> None:
    friends.put_many([("1", f"f{number}") for number in range(7)])

    first = friends.page("1", None, 3)
    second = friends.page("1", first.next_token, 3)
    third = friends.page("1", second.next_token, 3)

    assert first.ids == ("f0", "f1", "f2")
    assert second.ids == ("f3", "f4", "f5")
    assert third == FriendPage(("f6",), None)


def test_a_page_may_begin_after_someone_who_is_no_friend(friends: FriendStore) -> None:
    friends.put_many([("1", "a"), ("1", "c")])

    assert friends.page("1", "b", 10).ids == ("c",)


def test_a_page_holds_more_than_one_query_returns(friends: FriendStore) -> None:
    # 4,000 items with such ids are more than the megabyte at which a query ends.
    ids = [f"{number:0128}" for number in range(4_000)]
    friends.put_many([("a" * 128, friend) for friend in ids])

    page = friends.page("a" * 128, None, 10_000)

    assert page == FriendPage(tuple(ids), None)


def test_many_friendships_are_put_once_each_in_both_directions(friends: FriendStore) -> None:
    pairs = [("hub", f"f{number:04}") for number in range(1_045)]

    friends.put_many([*pairs, ("f0001", "hub"), ("hub", "f0001"), ("f0001", "f0002")])

    assert len(friends_of(friends, "hub")) == 1_045
    assert friends_of(friends, "f0001") == ("f0002", "hub")
    assert friends_of(friends, "f0002") == ("f0001", "hub")
    assert friends_of(friends, "f1044") == ("hub",)


def test_no_friendships_are_no_request(friends: FriendStore) -> None:
    friends.put_many([])

    assert friends_of(friends, "1") == ()


def test_friendships_made_at_once_are_all_there(ministack_dynamodb: "DynamoDBClient") -> None:
    # On ministack only: moto copies its tables for a transaction, and fails where they change.
    table = create_table(ministack_dynamodb, *FRIENDS)
    friends = FriendStore(ministack_dynamodb, table)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: friends.befriend("hub", f"f{number:02}"), range(20)))

    assert friends_of(friends, "hub") == tuple(f"f{number:02}" for number in range(20))


def test_a_missing_table_is_a_store_error(dynamodb: "DynamoDBClient") -> None:
    friends = FriendStore(dynamodb, "no-such-table")

    for request in (
        lambda: friends.page("1", None, 1),
        lambda: friends.befriend("1", "2"),
        lambda: friends.put_many([("1", "2")]),
    ):
        with pytest.raises(StoreError, match="ResourceNotFound"):
            request()
