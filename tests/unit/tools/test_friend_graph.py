import itertools
from collections import Counter
from pathlib import Path

import pytest

from tools.data.edge_list import read_edge_list
from tools.demo.friend_graph import HUB, HUB_FRIENDS, USERS, friend_graph, main
from tools.errors import ToolError


def friends_of(edges: list[tuple[str, str]]) -> Counter[str]:
    return Counter(user for edge in edges for user in edge)


def test_the_hub_has_as_many_friends_as_was_asked_and_no_one_comes_near() -> None:
    numbers = friends_of(friend_graph())

    assert len(numbers) == USERS
    assert numbers[HUB] == HUB_FRIENDS == 1_045
    assert max(number for user, number in numbers.items() if user != HUB) < HUB_FRIENDS / 4


def test_each_friendship_stands_once_and_nobody_is_their_own_friend() -> None:
    edges = friend_graph()

    assert len({frozenset(edge) for edge in edges}) == len(edges)
    assert all(len(set(edge)) == 2 for edge in edges)


def test_numbers_of_friends_follow_a_power_law() -> None:
    numbers = friends_of(friend_graph(users=20_000, hub_friends=0))

    # Of networks that grow so, the share with at least k friends falls as k**-2: to a quarter with
    # each doubling of k, where it would vanish among users who befriend at random.
    shares = [sum(n >= k for n in numbers.values()) / len(numbers) for k in (8, 16, 32, 64)]
    for share, next_share in itertools.pairwise(shares):
        assert 0.15 < next_share / share < 0.4


def test_the_same_seed_makes_the_same_network_and_another_another() -> None:
    assert friend_graph(seed=5, users=200, hub_friends=100) == friend_graph(5, 200, 100)
    assert friend_graph(seed=6, users=200, hub_friends=100) != friend_graph(5, 200, 100)


@pytest.mark.parametrize(("users", "hub_friends"), [(100, 100), (79, 10), (100, -1)])
def test_impossible_networks_are_refused(users: int, hub_friends: int) -> None:
    with pytest.raises(ValueError, match="hub 80"):
        friend_graph(users=users, hub_friends=hub_friends)


def test_the_file_is_one_that_the_loader_reads(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "edges.csv"

    main([str(path)])

    assert list(read_edge_list(path).edges()) == friend_graph()
    assert "user 80 has 1,045 friends" in capsys.readouterr().out


def test_a_file_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="cannot be written: No such file or directory"):
        main([str(tmp_path / "missing" / "edges.csv")])
