"""Keys that DynamoDB leaves unprocessed are asked again, and no others are."""

from collections.abc import Callable
from typing import Any, cast

import pytest

from taskqueue.aws.batch_items import MAX_KEYS, Item, get_items
from taskqueue.aws.unprocessed import MAX_TRIES, Patience
from taskqueue.errors import Throttled

TABLE = "news"
Keys = list[Item]


class Database:
    """Stands for a DynamoDB client that has every key; `leave` says which stay unprocessed."""

    def __init__(self, leave: Callable[[Keys], Keys] = lambda keys: []) -> None:
        self._leave = leave
        self.requests: list[Any] = []
        self.slept: list[float] = []

    def batch_get_item(self, RequestItems: dict[str, Any]) -> dict[str, Any]:  # noqa: N803
        request = RequestItems[TABLE]
        self.requests.append(request)
        left = self._leave(request["Keys"])
        unprocessed = {TABLE: {**request, "Keys": left}} if left else {}
        found = [key for key in request["Keys"] if key not in left]
        return {"Responses": {TABLE: found}, "UnprocessedKeys": unprocessed}

    def get(self, keys: Keys) -> list[Item]:
        patience = Patience(self.slept.append, uniform=lambda low, high: high)
        return get_items(cast("Any", self), TABLE, keys, consistent=True, patience=patience)

    def sizes(self) -> list[int]:
        return [len(request["Keys"]) for request in self.requests]


def keys(count: int) -> Keys:
    return [{"id": {"S": f"n{number}"}} for number in range(count)]


def first_times(times: int) -> Callable[[Keys], Keys]:
    """Leave the last key of every request unprocessed, the first so many times."""
    left = iter(range(times))
    return lambda keys: keys[-1:] if next(left, None) is not None else []


@pytest.mark.parametrize(("count", "sizes"), [(0, []), (100, [100]), (101, [100, 1])])
def test_keys_are_read_100_a_request(count: int, sizes: list[int]) -> None:
    database = Database()

    assert database.get(keys(count)) == keys(count)

    assert database.sizes() == sizes
    assert max(sizes, default=0) <= MAX_KEYS


def test_only_unprocessed_keys_are_read_again_after_a_growing_wait() -> None:
    database = Database(leave=first_times(2))

    found = database.get(keys(3))

    assert sorted(found, key=str) == keys(3)
    assert database.sizes() == [3, 1, 1]
    assert database.slept == [0.05, 0.1]
    assert all(request["ConsistentRead"] for request in database.requests)


def test_keys_that_stay_unprocessed_are_throttled_in_the_end() -> None:
    database = Database(leave=lambda keys: keys)

    with pytest.raises(Throttled):
        database.get(keys(3))

    assert database.sizes() == [3] * MAX_TRIES
