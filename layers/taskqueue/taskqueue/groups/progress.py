"""What a task that its parts finish knows of them: its plan, and its full shards. No I/O.

Each full shard is told to the task once more as a key in a set. A shard with failed parts is told
again when they are redriven; of its keys the one with the fewest failures is the latest.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from taskqueue.groups.part import is_number, shards_of
from taskqueue.groups.shard import Shard

_KEY = re.compile(r"(\d{1,9}):(\d{1,15}):(\d{1,9})")


@dataclass(frozen=True, slots=True)
class PartsPlan:
    """How far a task has planned its parts: the first `parts` of them, of `count` things.

    `is_whole`: there are no more. `cursor`: a JSON value of the task's own, from which it goes on.
    """

    parts: int
    count: int
    is_whole: bool
    cursor: Any = None

    @property
    def text(self) -> str:
        """The plan as JSON."""
        return json.dumps(
            [self.parts, self.count, self.is_whole, self.cursor], separators=(",", ":")
        )

    @classmethod
    def parse(cls, text: str) -> "PartsPlan":
        """Read what `text` returned.

        Raises:
            ValueError, TypeError: it is no plan.
        """
        plan = cls(*json.loads(text))
        if not is_number(plan.parts) or not isinstance(plan.count, int):
            raise ValueError("no plan")
        return plan


@dataclass(frozen=True, slots=True)
class Whole:
    """A group all parts of which have ended: they counted `count`, and `failures` of them failed.

    `told`: the key of the shard that was the last.
    """

    count: int
    failures: int
    told: str


@dataclass(frozen=True)
class Parts:
    """A task's plan, and the keys of its full shards."""

    plan: PartsPlan
    told: frozenset[str] = frozenset()

    @property
    def is_complete(self) -> bool:
        """Whether all parts are planned and have ended."""
        return self.plan.is_whole and len(self._shards) == shards_of(self.plan.parts)

    @property
    def count(self) -> int:
        """What the full shards have counted."""
        return sum(count for count, _ in self._shards.values())

    @property
    def failures(self) -> int:
        """How many parts of the full shards have failed."""
        return sum(failures for _, failures in self._shards.values())

    @property
    def failed_shards(self) -> list[int]:
        """The numbers of the full shards with failed parts."""
        return sorted(number for number, (_, failures) in self._shards.items() if failures)

    @property
    def open_shards(self) -> list[int]:
        """The numbers of the shards that have planned parts and are not full."""
        planned = range(shards_of(self.plan.parts))
        return [number for number in planned if number not in self._shards]

    @cached_property
    def _shards(self) -> dict[int, tuple[int, int]]:
        """Of each full shard what its parts counted, and how many failed."""
        shards: dict[int, tuple[int, int]] = {}
        for number, count, failures in self._read():
            known = shards.get(number)
            if known is None or failures < known[1]:
                shards[number] = (count, failures)
        return shards

    def _read(self) -> Iterator[tuple[int, int, int]]:
        """Yield the fields of the keys; what is no key, which others may have written, is none."""
        for key in self.told:
            if match := _KEY.fullmatch(key):
                number, count, failures = map(int, match.groups())
                if number < shards_of(self.plan.parts):
                    yield number, count, failures


def shard_told(shard: Shard) -> str:
    """Return the key that says: this shard is full, and what came of its parts."""
    return f"{shard.number}:{shard.count}:{shard.failures}"
