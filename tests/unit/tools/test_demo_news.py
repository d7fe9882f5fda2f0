from typing import Any

import pytest

from tools.demo.news import done, friends_of, shown

EDGES = [("80", "1"), ("1", "2"), ("3", "80"), ("10", "80")]


def test_friends_are_found_in_both_columns() -> None:
    assert friends_of("80", EDGES) == ["1", "10", "3"]
    assert friends_of("2", EDGES) == ["1"]


def test_three_are_shown_from_all_over() -> None:
    friends = [str(number) for number in range(1_045)]
    assert shown(friends) == ["0", "522", "1044"]


@pytest.mark.parametrize(
    ("task", "deliveries"),
    [
        ({"status": "PENDING", "progress": None, "result": None}, 0),
        ({"status": "PROGRESS", "progress": {"done": 1000}, "result": None}, 1000),
        ({"status": "SUCCESS", "progress": {"done": 1000}, "result": 1045}, 1045),
    ],
)
def test_deliveries_are_read_from_progress_and_then_from_the_result(
    task: dict[str, Any], deliveries: int
) -> None:
    assert done(task) == deliveries
