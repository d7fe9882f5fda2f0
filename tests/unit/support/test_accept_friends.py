"""A user's friends in a file of friendships."""

from pathlib import Path

import pytest

from tests.support.accept_friends import Network
from tools.data.edge_list import read_edge_list
from tools.errors import ToolError


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "friends.csv"
    path.write_text("user_id,friend_id\n80,9\n9,1\n1,80\n80,9\n")
    return path


def test_friends_stand_on_either_side_and_count_once(file: Path) -> None:
    assert Network.of(read_edge_list(file), "80") == Network("80", ["1", "9"], users=3)


@pytest.mark.parametrize(("friends", "writes"), [(1, 1), (25, 1), (26, 2)])
def test_a_post_to_few_friends_takes_few_writes(friends: int, writes: int) -> None:
    assert Network("80", [str(number) for number in range(friends)], users=99).writes == writes


def test_a_user_who_is_not_there_is_an_error(file: Path) -> None:
    with pytest.raises(ToolError, match="user 7 has no friends"):
        Network.of(read_edge_list(file), "7")
