"""Reads counts of requests: a mapping of `service Operation` to how often it was sent."""

from collections.abc import Mapping


def counted(requests: Mapping[str, int], prefix: str, *, without: str = "") -> int:
    """How many requests' names begin with `prefix`, those of one name left out."""
    return sum(
        number for name, number in requests.items() if name.startswith(prefix) and name != without
    )


def shown(requests: Mapping[str, int]) -> str:
    """The counts in one line, the most frequent first."""
    ranked = sorted(requests.items(), key=lambda entry: (-entry[1], entry[0]))
    return ", ".join(f"{number} {name}" for name, number in ranked)
