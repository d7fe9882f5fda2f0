"""What is found in the configuration of a Celery app, without running it."""

from collections.abc import Callable
from typing import Any

import pytest
from celery import Celery, _state
from celery._state import _on_app_finalizers  # type: ignore[attr-defined]
from kombu import Queue

from taskqueue.celery.checks.differing import differing
from taskqueue.celery.checks.examination import examine
from taskqueue.celery.checks.queues import MAX_QUEUES, NeededQueue, absent, needed_queues
from taskqueue.celery.checks.refused import refused
from taskqueue.celery.testing import in_memory

# Attributes of a task that Celery will drop in its version 6.
pytestmark = pytest.mark.filterwarnings("ignore:\\s*The '(queue|priority)' task attribute")

Make = Callable[[], Celery]


@pytest.fixture(autouse=True)
def no_tasks_of_other_apps(monkeypatch: pytest.MonkeyPatch) -> None:
    """An app gets the shared tasks of all apps of its process; here, Celery's own only."""
    own = [one for one in _on_app_finalizers if one.__module__ == "celery.app.builtins"]
    monkeypatch.setattr(_state, "_on_app_finalizers", set(own))


def app_with(*tasks: dict[str, Any], **settings: Any) -> Celery:
    """Return an app with such settings, and a task of each of these options."""
    app = Celery("shop", set_as_current=False)
    app.conf.update(task_default_queue="orders", **settings)
    for number, options in enumerate(tasks):
        app.task(**{"name": f"task{number}", "acks_late": True, "shared": False, **options})(
            nothing
        )
    return app


def nothing() -> None: ...


def texts(app: Celery) -> list[str]:
    return [str(found) for found in examine(app).cannot_run]


def test_an_app_that_runs_as_it_did() -> None:
    found = examine(app_with({}))
    assert (found.app, found.default_queue) == ("shop", "orders")
    assert (found.cannot_run, found.differs, found.unused_settings) == ([], [], [])
    assert found.queues == [NeededQueue("orders", ["task0"], None)]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: app_with(result_serializer="yaml", accept_content=["yaml", "json"]),
            "result_serializer is 'yaml': only 'json' is run here",
        ),
        (
            lambda: app_with({"serializer": "pickle"}),
            "the serializer of task0 is 'pickle': only 'json' is run here",
        ),
        (
            lambda: app_with({}, task_time_limit=3600),
            "task_time_limit is 3600 seconds: a Lambda ends after 900, so cut the work up",
        ),
        (
            lambda: app_with({"soft_time_limit": 901}),
            "the soft_time_limit of task0 is 901 seconds: "
            "a Lambda ends after 900, so cut the work up",
        ),
    ],
)
def test_what_a_worker_refuses_is_found_beforehand(make: Make, text: str) -> None:
    app = make()
    assert texts(app) == [text]
    with pytest.raises(ValueError, match=text):
        in_memory(app)


def test_a_limit_of_a_lambda_s_whole_time_is_no_finding() -> None:
    assert refused(app_with({"time_limit": 900})) == []


def test_schedules_that_beat_refuses() -> None:
    schedule = {
        "good": {"task": "task0", "schedule": 60},
        "half": {"task": "task0", "schedule": 0.5},
    }
    app = app_with({}, beat_schedule=schedule)
    assert texts(app) == ["beat_schedule['half'] an interval must be whole seconds"]
    assert examine(app).has_schedules


def test_queues_that_the_template_cannot_have() -> None:
    app = app_with({"queue": "high-priority"}, {})
    assert texts(app) == [
        "the queue 'high-priority' needs a name of letters and digits only; "
        "task_routes can send to another"
    ]
    many = app_with(*({"queue": f"q{number}"} for number in range(MAX_QUEUES + 1)))
    assert texts(many) == ["task_routes name 17 queues: a stack has room for 16"]


def test_queues_that_a_stack_has_not() -> None:
    app = app_with(
        {},
        {"name": "reports.daily"},
        {"queue": "mail"},
        task_routes={"reports.*": {"queue": "slow"}},
    )
    assert list(absent(app, {"orders", "mail", "slow", "other"})) == []
    assert list(map(str, absent(app, {"mail"}))) == [
        "task_default_queue is 'orders', a queue that this stack has not: sending there fails",
        "task_routes send reports.daily to 'slow', a queue that this stack has not: "
        "sending there fails",
    ]


def test_a_queue_has_the_tasks_that_celery_sends_to_it() -> None:
    app = app_with(
        {},
        {"name": "reports.daily", "time_limit": 300},
        {"name": "reports.hourly", "soft_time_limit": 30},
        {"queue": "mail"},
        task_routes={"reports.*": {"queue": "slow"}},
        task_queues=[Queue("spare"), Queue("orders")],
    )
    assert needed_queues(app) == [
        NeededQueue("mail", ["task3"], None),
        NeededQueue("orders", ["task0"], None),
        NeededQueue("slow", ["reports.daily", "reports.hourly"], 300),
        NeededQueue("spare", [], None),
    ]


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda: app_with({}, task_always_eager=True),
            "task_always_eager is set: a client runs its tasks itself and sends none",
        ),
        (
            lambda: app_with({}, result_expires=60),
            "result_expires is not read: set the stack's ResultTtlSeconds",
        ),
        (
            lambda: app_with({}, beat_scheduler="django_celery_beat.schedulers:DatabaseScheduler"),
            "beat_scheduler is 'django_celery_beat.schedulers:DatabaseScheduler': "
            "what stands elsewhere than in beat_schedule is not read",
        ),
        (
            lambda: app_with({}, task_compression="bzip2"),
            "task_compression is 'bzip2', which is not read here: set 'gzip', or none",
        ),
        (
            lambda: app_with(*({"acks_late": False} for _ in range(5))),
            "acks_late is always so here: a task whose worker dies runs again, and must bear it "
            "(task0, task1, task2 and 2 more)",
        ),
        (
            lambda: app_with({}, {"rate_limit": "10/s"}),
            "rate_limit is not kept: bound the queue's row by MaximumConcurrency (task1)",
        ),
        (
            lambda: app_with({}, {"priority": 0}),
            "priority is not kept: give what is urgent a queue of its own (task1)",
        ),
    ],
)
def test_what_runs_but_not_as_it_did(make: Make, text: str) -> None:
    assert [str(found) for found in differing(make())] == [text]


def test_bootsteps_have_no_worker() -> None:
    app = app_with({})
    app.steps["worker"].add("proj.steps:Probe")
    assert [str(found) for found in differing(app)] == [
        "bootsteps have no worker to run in: proj.steps:Probe"
    ]


def test_settings_without_meaning() -> None:
    app = app_with({}, worker_concurrency=4, broker_url="redis://")
    assert examine(app).unused_settings == ["broker_url", "worker_concurrency"]
