"""Canvases at random: as in Celery's eager mode, whatever comes twice and whoever dies.

A failure is printed as the canvas, and as a line `@reproduce_failure(...)`, which replays it
(docs/testing.md).
"""

import os
from collections.abc import Callable
from random import Random
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from taskqueue.worker.batch import MAX_LOST_ATTEMPTS
from tests.unit.celery.canvases.outcome import Outcome, eager_outcome, outcome_of
from tests.unit.celery.canvases.recipe import Recipe, signature_of
from tests.unit.celery.canvases.strategies import canvases, canvases_for_eager_mode
from tests.unit.celery.canvases.tasks import Broken, app_of, programme
from tests.unit.celery.canvases.workers import Death, Workers

EXAMPLES = int(os.environ.get("CANVAS_EXAMPLES", "70"))
BROKEN = Broken.__name__
NOTHING = type(None).__name__

at_random = settings(
    max_examples=EXAMPLES,
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
deaths = st.builds(Death, st.integers(0, 99), st.sampled_from(["die_before", "die_after"]))

app = app_of("canvases")


@at_random
@given(canvases_for_eager_mode())
def test_a_canvas_does_what_it_does_in_eager_mode(recipe: Recipe) -> None:
    eager, ours = eager_outcome(recipe), outcome(recipe)
    assert ours.ran == eager.ran
    if eager.result == BROKEN:
        # Of a group, eager mode raises what one of its tasks does.
        assert ours.result == BROKEN or isinstance(ours.result, list)
    else:
        assert ours.result == eager.result
    assert ours.told >= eager.told


@at_random
@given(canvases(), st.randoms(use_true_random=False), st.booleans())
def test_what_comes_twice_changes_nothing(recipe: Recipe, random: Random, same: bool) -> None:
    once = outcome(recipe)
    twice = outcome(recipe, lambda workers: workers.work_doubled(random, has_same_id=same))
    assert twice == once


@at_random
@given(canvases(), st.lists(deaths, min_size=1, max_size=MAX_LOST_ATTEMPTS - 1))
def test_who_dies_changes_nothing(recipe: Recipe, deaths: list[Death]) -> None:
    calls = 0

    def count_calls(workers: Workers) -> None:
        nonlocal calls
        workers.deliver_until_empty()
        calls = len(workers.fuse.calls)

    undisturbed = outcome(recipe, count_calls)
    disturbed = outcome(recipe, lambda workers: workers.work_with_deaths(deaths, calls))
    assert disturbed.result == undisturbed.result
    assert disturbed.tasks == undisturbed.tasks
    assert disturbed.told == undisturbed.told


def outcome(
    recipe: Recipe, work: Callable[[Workers], None] = Workers.deliver_until_empty
) -> Outcome:
    """Return what becomes of a canvas here."""
    programme.begin(recipe)
    workers = Workers(app)
    with workers.sending():
        result = signature_of(recipe, app).apply_async()
        work(workers)
        assert max(workers.ends.values(), default=0) <= 1
        became = outcome_of(result, programme)
    assert not is_waiting(became.result)
    return became


def is_waiting(result: Any) -> bool:
    """Return whether a client waits for a result, or for one of a group's, for ever."""
    return any(map(is_waiting, result)) if isinstance(result, list) else result == NOTHING
