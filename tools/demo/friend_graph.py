"""Makes up a network of friends: a few thousand users, most with few friends and one with 1,045.

    python -m tools.demo.friend_graph edges.csv

Each new user befriends some of those before, likelier one who has many friends already, so that
the numbers of friends follow a power law: Barabási and Albert, Emergence of Scaling in Random
Networks, Science 286 (1999). The hub is then given friends drawn from all alike.
"""

import argparse
import csv
import random
from collections.abc import Sequence
from pathlib import Path

from tools.data.edge_list import HEADER
from tools.errors import ToolError, run_tool, say

# The user who posts in the examples of the documentation.
HUB = "80"
HUB_FRIENDS = 1_045
USERS = 3_000
FRIENDS_OF_NEW_USER = 4
SEED = 1

Edge = tuple[str, str]


def friend_graph(
    seed: int = SEED, users: int = USERS, hub_friends: int = HUB_FRIENDS
) -> list[Edge]:
    """Return each friendship once; the same for the same seed.

    The users are called "1" to `users`, and the hub is one of them.

    Args:
        users: how many users there are, the hub included.
        hub_friends: how many friends the hub has; fewer than `users`.
    """
    if not 0 <= hub_friends < users or users < int(HUB):
        raise ValueError(f"the hub {HUB} and its friends need more than {users} users")
    chance = random.Random(seed)
    others = [name for name in map(str, range(1, users + 1)) if name != HUB]
    edges = [(HUB, friend) for friend in chance.sample(others, hub_friends)]
    return sorted(edges + _by_preference(others, chance))


def _by_preference(names: Sequence[str], chance: random.Random) -> list[Edge]:
    """Befriend each with some of those before, in proportion to the friends that these have."""
    edges: list[Edge] = []
    # Everyone stands here once, and once more for each friendship.
    ends = list(names[:1])
    for before, name in enumerate(names[1:], start=1):
        chosen: set[str] = set()
        while len(chosen) < min(FRIENDS_OF_NEW_USER, before):
            chosen.add(chance.choice(ends))
        edges.extend((friend, name) for friend in sorted(chosen))
        ends.extend([name, *sorted(chosen), *[name] * len(chosen)])
    return edges


def write_edges(path: Path, edges: Sequence[Edge]) -> None:
    """Write an edge list as CSV, in the form that `tools.data.load_friends` reads."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        writer.writerows(edges)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the network to the file that the command line names.

    Raises:
        ToolError: the file cannot be written.
    """
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo.friend_graph", description="Make up a network of friends."
    )
    parser.add_argument("path", type=Path, help="the CSV file to write")
    edges = friend_graph()
    path = parser.parse_args(arguments).path
    try:
        write_edges(path, edges)
    except OSError as error:
        raise ToolError(f"{path} cannot be written: {error.strerror}") from None
    say(f"{path}: {len(edges):,} friendships; user {HUB} has {HUB_FRIENDS:,} friends")


if __name__ == "__main__":
    run_tool(main)
