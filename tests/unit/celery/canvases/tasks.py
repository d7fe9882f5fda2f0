"""The tasks of random canvases, for any number of apps. Each does what its step's recipe says."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from celery import Celery
from celery.result import allow_join_result

from tests.unit.celery.canvases.recipe import Does, Recipe, Step, signature_of, steps_of

MAX_RETRIES = 1


class Broken(Exception):
    """What a task raises that fails."""


class Ran(NamedTuple):
    """One run of a task: of which task, by its id, and what it was given."""

    label: int
    task_id: str
    given: str


class Programme:
    """What the tasks of a canvas are to do, by their labels, and what they have done."""

    def __init__(self) -> None:
        self.steps: Mapping[int, Step] = {}
        self.ran: list[Ran] = []
        self.told: list[str] = []

    def begin(self, recipe: Recipe) -> None:
        """Let the tasks do what this recipe says."""
        self.steps = {step.label: step for step in steps_of(recipe)}
        self.ran, self.told = [], []


programme = Programme()


def app_of(name: str, **settings: Any) -> Celery:
    """Return an app with the tasks."""
    app = Celery(name, broker="memory://", backend="cache+memory://", set_as_current=False)
    app.conf.update(task_default_queue="canvases", **settings)
    app.task(name="step", bind=True, max_retries=MAX_RETRIES, default_retry_delay=1)(_step)
    app.task(name="item", bind=True)(_item)
    app.task(name="told")(_told)
    app.task(name="called")(_called)
    return app


def _step(self: Any, *given: Any, label: int) -> Any:
    programme.ran.append(Ran(label, self.request.id, repr(given)))
    step = programme.steps[label]
    match step.does:
        case Does.FAIL:
            raise Broken(label)
        case Does.RETRY if not self.request.retries:
            raise self.retry()
        case Does.GIVE_UP:
            raise self.retry(exc=Broken(label))
        case Does.REPLACE:
            assert step.inside
            with allow_join_result():
                return self.replace(signature_of(step.inside, self.app))
        case Does.SEND:
            assert step.inside
            with allow_join_result():
                signature_of(step.inside, self.app).apply_async(given)
    return [label, *given]


def _item(self: Any, value: Any) -> Any:
    programme.ran.append(Ran(-1, self.request.id, repr(value)))
    return value


def _told(task_id: str, *, label: int) -> None:
    programme.told.append(f"told of {label}")


def _called(request: Any, exc: Exception, traceback: Any, *, label: int) -> None:
    programme.told.append(f"called for {label}")
