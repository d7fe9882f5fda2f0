"""What a campaign sends: drawn from a seed, no I/O."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

# How many friends those have who post, each with a weight. Up to 1,000 friends are served by the
# task itself, more by its parts.
FRIENDS = {0: 1, 1: 4, 7: 8, 60: 8, 300: 3, 1_045: 1, 2_100: 1}
# Of the views that one request posts.
MAX_VIEWS = 40


@dataclass(frozen=True)
class Post:
    """News of a user with so many friends."""

    friends: int


@dataclass(frozen=True)
class Sum:
    """A plain task that is retried so often, and due in so many seconds."""

    task_id: str
    numbers: tuple[int, ...]
    failures: int
    countdown: int

    @property
    def result(self) -> int:
        """What the task is to return."""
        return sum(self.numbers)


@dataclass(frozen=True)
class Locked:
    """A task that fails until somebody opens its door."""

    task_id: str


@dataclass(frozen=True)
class Rank:
    """A ranking of the books."""

    task_id: str


@dataclass(frozen=True)
class Views:
    """So many views of one book that nothing else views."""

    book: str
    count: int


@dataclass(frozen=True)
class OneOff:
    """A schedule of one task, due so many seconds after it was made."""

    name: str
    seconds: int


@dataclass(frozen=True)
class Junk:
    """A message that no worker can read."""

    body: str


Job = Post | Sum | Locked | Rank | Views | OneOff | Junk


def workload(seed: int, size: int) -> list[Job]:
    """Return `size` jobs of all kinds, in an order that is drawn."""
    draw = random.Random(f"{seed}.workload")
    shares = {
        "posts": 0.5,
        "sums": 0.25,
        "views": 0.15,
        "one-offs": 0.04,
        "locked": 0.03,
        "rankings": 0.02,
    }
    number = {kind: max(2, round(size * share)) for kind, share in shares.items()}
    jobs: list[Job] = [
        *(Post(friends) for friends in _friends(draw, number["posts"])),
        *(_sum(draw, f"sum-{seed}-{n}") for n in range(number["sums"])),
        *(Views(f"book-{seed}-{n}", draw.randint(1, MAX_VIEWS)) for n in range(number["views"])),
        *(OneOff(f"one-off-{seed}-{n}", draw.randint(20, 30)) for n in range(number["one-offs"])),
        *(Locked(f"locked-{seed}-{n}") for n in range(number["locked"])),
        *(Rank(f"rank-{seed}-{n}") for n in range(number["rankings"])),
    ]
    jobs += [Junk(f"junk {n}") for n in range(max(2, size - len(jobs)))]
    draw.shuffle(jobs)
    return jobs


def _friends(draw: random.Random, number: int) -> Sequence[int]:
    """Draw numbers of friends; each kind of user posts at least once."""
    rest = max(0, number - len(FRIENDS))
    return [*FRIENDS, *draw.choices(list(FRIENDS), list(FRIENDS.values()), k=rest)]


def _sum(draw: random.Random, task_id: str) -> Sum:
    numbers = tuple(draw.randint(0, 99) for _ in range(5))
    return Sum(task_id, numbers, draw.choice((0, 0, 1, 2, 3)), draw.choice((0, 0, 0, 5, 10)))
