"""What became of a canvas: its result, which tasks ran with what, and which errbacks."""

import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import Any

from celery import states
from celery.result import ResultSet, allow_join_result

from tests.unit.celery.canvases.recipe import Recipe, signature_of
from tests.unit.celery.canvases.tasks import Broken, Programme, app_of, programme

_eager = app_of("eager", task_always_eager=True)


@dataclass(frozen=True)
class Outcome:
    """`result`: a task's, or a list of them. `ran`: how often each task was given what.

    `tasks`: the same, of different tasks only: one that ran again under its id is one.
    `told`: whose errbacks ran.
    """

    result: Any
    ran: Counter[tuple[int, str]]
    tasks: Counter[tuple[int, str]]
    told: frozenset[str]


def outcome_of(result: Any, programme: Programme) -> Outcome:
    """Return what became of a canvas that has come to its end."""
    ran = programme.ran
    return Outcome(
        result_of(result),
        Counter((one.label, one.given) for one in ran),
        Counter((one.label, one.given) for one in set(ran)),
        frozenset(programme.told),
    )


def result_of(result: Any) -> Any:
    """Return a result's value, or the name of its error; of a group, a list of them."""
    if isinstance(result, ResultSet):
        return [result_of(one) for one in result.results or ()]
    if isinstance(result, Exception) or result is None:
        return type(result).__name__
    return result.result if result.state == states.SUCCESS else result_of(result.result)


def eager_outcome(recipe: Recipe) -> Outcome:
    """Return what becomes of a canvas in Celery's eager mode."""
    programme.begin(recipe)
    result: Any = Broken()
    _eager.set_current()
    with contextlib.suppress(Broken), allow_join_result():
        result = signature_of(recipe, _eager).apply_async()
    return outcome_of(result, programme)
