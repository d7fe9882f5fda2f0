"""What the value of an option must be, so that a wrong one is told where it is written."""

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple


class Rule(NamedTuple):
    """Which values an option takes: `wanted` says it in words."""

    fits: Callable[[Any], bool]
    wanted: str

    def or_none(self) -> "Rule":
        """Return the rule that takes None, too."""
        return Rule(lambda value: value is None or self.fits(value), f"{self.wanted}, or None")


def check_options(options: Mapping[str, Any], rules: Mapping[str, Rule]) -> None:
    """Check each option by the rule of its name.

    Raises:
        ValueError: a value does not fit; the text names the option, and not the value.
    """
    for name, value in options.items():
        rule = rules[name]
        if not rule.fits(value):
            raise ValueError(f"{name}: must be {rule.wanted}")


def check_limits(soft: float | None, hard: float | None) -> None:
    """Check that a soft time limit, in seconds, leaves time before the hard one.

    Raises:
        ValueError: it does not.
    """
    if soft is not None and hard is not None and soft >= hard:
        raise ValueError("soft_time_limit: must be less than time_limit")


def is_number(value: object) -> bool:
    """Return whether the value is a number that is finite; True and False are none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value)


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


FLAG = Rule(lambda value: isinstance(value, bool), "True or False")
TEXT = Rule(lambda value: isinstance(value, str) and value != "", "a text that is not empty")
COUNT = Rule(
    lambda value: isinstance(value, int) and not isinstance(value, bool) and value >= 0,
    "a whole number, not negative",
)
WAIT = Rule(lambda value: is_number(value) and value >= 0, "a number of seconds, not negative")
LIMIT = Rule(lambda value: is_number(value) and value > 0, "a number of seconds above 0")
ERRORS = Rule(
    lambda value: isinstance(value, tuple) and all(map(_is_error, value)),
    "a tuple of exception classes",
)
FUNCTION = Rule(callable, "a function")
