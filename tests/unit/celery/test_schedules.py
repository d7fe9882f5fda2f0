"""The schedules of a Celery app: what our beat makes of them, and what is refused."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from celery import Celery
from celery.schedules import crontab, schedule, solar
from hypothesis import example, given
from hypothesis import strategies as st

from taskqueue.beat.declaring import declare_all
from taskqueue.beat.plan import HORIZON_MS
from taskqueue.beat.row import Row, put, removed
from taskqueue.beat.schedule import Schedule, Sending, definition, parse
from taskqueue.beat.tick import tick
from taskqueue.beat.timing import Crontab, Interval, due
from taskqueue.celery.schedules import refused_schedules, schedules
from taskqueue.celery.unused_settings import without_meaning
from taskqueue.errors import Throttled
from taskqueue.testing import InMemory
from tests.unit.beat.memory_rows import MemoryScheduleRows
from tests.unit.celery import shop

# The attribute `queue` of a task, which Celery will drop in its version 6.
pytestmark = pytest.mark.filterwarnings("ignore:\\s*The 'queue' task attribute")

NOW_MS = 1_795_370_400_000
QUEUES = ("orders", "slow")
EVERY_MINUTE = {"task": "price", "schedule": 60}
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata")


@pytest.fixture
def app() -> Celery:
    made = app_of_its_own()
    made.conf.task_default_queue = "orders"
    made.conf.task_routes = {"slow.*": {"queue": "slow"}}
    made.task(name="brief", expires=30, queue="slow", shared=False)(do_nothing)
    return made


def app_of_its_own() -> Celery:
    """Return an app with a task `price` that no other app has."""
    made = Celery("shop", set_as_current=False)
    made.task(name="price", shared=False)(do_nothing)
    return made


def do_nothing(*_args: Any) -> None: ...


def read(app: Celery, **entry: Any) -> Schedule:
    app.conf.beat_schedule = {"one": {**EVERY_MINUTE, **entry}}
    (found,) = schedules(app, QUEUES)
    return found


@pytest.mark.parametrize(
    ("when", "timing"),
    [
        (30, Interval(30)),
        (30.0, Interval(30)),
        (timedelta(minutes=5), Interval(300)),
        (schedule(timedelta(hours=1)), Interval(3600)),
        (crontab(), Crontab("* * * * *")),
        (crontab(minute=30, hour=7, day_of_week="mon-fri"), Crontab("30 7 * * 1,2,3,4,5")),
        (
            crontab(0, "*/6", day_of_month="1-3", month_of_year="jan,jul"),
            Crontab("0 0,6,12,18 1,2,3 1,7 *"),
        ),
    ],
)
def test_intervals_and_crontabs_are_kept(app: Celery, when: Any, timing: Any) -> None:
    assert read(app, schedule=when).timing == timing


def test_a_crontab_goes_by_the_app_s_timezone(app: Celery) -> None:
    app.conf.update(timezone="Europe/Berlin")
    timing = read(app, schedule=crontab(0, 7)).timing
    assert timing == Crontab("0 7 * * *", "Europe/Berlin")


def test_arguments_keep_their_types(app: Celery) -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    found = read(app, args=(1, at), kwargs={"of": [2]})
    assert found.args == (1, {"__type__": "datetime", "__value__": at.isoformat()})
    assert found.kwargs == {"of": [2]}


@pytest.mark.parametrize(
    ("entry", "sending"),
    [
        ({}, Sending("orders")),
        ({"task": "slow.down"}, Sending("slow")),
        ({"task": "brief"}, Sending("slow", 30)),
        ({"task": "brief", "options": {"queue": "orders", "expires": 5}}, Sending("orders", 5)),
        ({"options": {"countdown": 7}}, Sending("orders", None, 7)),
        ({"options": {"priority": 9, "retry": True}}, Sending("orders")),
    ],
)
def test_an_entry_goes_where_celery_would_send_it(
    app: Celery, entry: Mapping[str, Any], sending: Sending
) -> None:
    found = read(app, **entry)
    assert found.sending == sending
    assert parse(found.name, definition(found)) == found


def test_the_old_spelling_and_periodic_tasks_of_code_are_read() -> None:
    app = app_of_its_own()
    old = {"celery": EVERY_MINUTE}
    app.config_from_object(type("Config", (), {"CELERYBEAT_SCHEDULE": old}))
    app.add_periodic_task(20, app.tasks["price"].s("a"), name="twenty")
    found = {one.name: one for one in schedules(app, ["celery"])}
    assert found["celery"].timing == Interval(60)
    assert (found["twenty"].timing, found["twenty"].args) == (Interval(20), ("a",))


def test_a_name_of_any_characters_is_made_to_fit(app: Celery) -> None:
    app.conf.beat_schedule = {"every 10 s": EVERY_MINUTE, "every-10-s": EVERY_MINUTE}
    first, second = (one.name for one in schedules(app, QUEUES))
    assert first.startswith("every-10-s~")
    assert second == "every-10-s"


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        # Made without ephem, which computes its times.
        ({"schedule": solar.__new__(solar)}, "solar"),
        ({"relative": True}, "'relative'"),
        ({"schedule": schedule(60, relative=True)}, "'relative'"),
        ({"schedule": 0.5}, "whole seconds"),
        ({"schedule": 0}, "interval_seconds: must be from 1"),
        ({"schedule": None}, "the type NoneType"),
        ({"schedule": type("Own", (crontab,), {})()}, "the type Own"),
        ({"schedule": crontab(nowfun=datetime.now)}, "nowfun"),
        ({"options": {"link": None}}, "'link'"),
        ({"options": {"queue": "unknown"}}, "no queue 'unknown'"),
        ({"options": {"expires": datetime.now(UTC)}}, "'expires' is no number"),
        ({"task": "prise"}, "no task of that name"),
        ({"args": [object()]}, "args cannot be written as JSON"),
        ({"args": [float("nan")]}, "args cannot be written as JSON"),
        ({"tasc": "price"}, "'tasc' is no field"),
        ({"task": ["price"]}, "task is no str"),
        ({"args": 5}, "args is no tuple"),
        ({"kwargs": [1]}, "kwargs is no dict"),
        ({"options": 5}, "options is no dict"),
        ({"schedule": 10**400}, "interval_seconds: must be from 1"),
        ({"schedule": float("inf")}, "whole seconds"),
    ],
)
def test_what_cannot_be_kept_is_refused_by_its_name(
    app: Celery, entry: Mapping[str, Any], reason: str
) -> None:
    with pytest.raises(ValueError, match=r"^beat_schedule\['one'\]: ") as refused:
        read(app, **entry)
    assert reason in str(refused.value)


def test_a_name_that_is_no_text_is_refused(app: Celery) -> None:
    app.conf.beat_schedule = {5: EVERY_MINUTE}
    assert refused_schedules(app, ["orders"]) == ["beat_schedule[5]: its name is no text"]


def fields(low: int, high: int) -> st.SearchStrategy[Any]:
    """Return what a field of a crontab may be written as."""
    number = st.integers(low, high)
    spans = st.tuples(number, number).map(lambda two: f"{min(two)}-{max(two)}")
    return st.one_of(
        st.just("*"),
        number,
        st.sets(number, min_size=1, max_size=4),
        spans,
        st.integers(1, high).map(lambda step: f"*/{step}"),
        st.tuples(spans, st.integers(1, 9)).map(lambda of: f"{of[0]}/{of[1]}"),
        st.tuples(spans, number).map(lambda of: f"{of[0]},{of[1]}"),
    )


DAYS_OF_WEEK = st.one_of(fields(0, 6), st.sampled_from(["mon-fri", "sat,sun", "fri-mon"]))


@given(
    st.sampled_from(ZONES),
    st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC)),
    st.tuples(fields(0, 59), fields(0, 23), DAYS_OF_WEEK, fields(1, 28), fields(1, 12)),
)
@example("Europe/Berlin", datetime(2026, 3, 28, tzinfo=UTC), (30, 2, "*", "*", "*"))
@example("Australia/Lord_Howe", datetime(2027, 4, 1, tzinfo=UTC), (0, "*/8", "*", "*", 4))
@example("Europe/Berlin", datetime(2026, 10, 24, tzinfo=UTC), ("*/20", "*", "*", "*", "*"))
def test_a_crontab_runs_when_celery_says(
    zone: str, begin: datetime, written: tuple[Any, ...]
) -> None:
    app = app_of_its_own()
    app.conf.update(timezone=zone)
    when = crontab(*written)
    app.conf.beat_schedule = {"one": {"task": "price", "schedule": when}}
    (found,) = schedules(app, ["celery"])
    theirs = list(celery_slots(when, app, begin, 12))
    ours = due(found.timing, _ms(begin), theirs[-1])
    assert _far_from_a_change(ours, zone) == _far_from_a_change(theirs, zone)


@pytest.mark.parametrize(
    ("day", "written", "theirs_only", "ours_only"),
    [
        ("2026-03-29", (30, 2), ["03:30"], ["03:00"]),
        ("2026-10-25", (0, "*"), [], ["02:00"]),
        ("2026-10-25", (30, 2), [], []),
    ],
    ids=["a skipped hour", "each hour", "a repeated hour"],
)
def test_where_the_clocks_are_changed_crontab_5_counts(
    app: Celery, day: str, written: Any, theirs_only: list[str], ours_only: list[str]
) -> None:
    app.conf.update(timezone="Europe/Berlin")
    when, zone = crontab(*written), ZoneInfo("Europe/Berlin")
    timing = read(app, schedule=when).timing
    begin = datetime.fromisoformat(day).replace(tzinfo=zone).astimezone(UTC)
    end_ms = _ms(begin + timedelta(days=1))
    theirs = {slot_ms for slot_ms in celery_slots(when, app, begin, 30) if slot_ms <= end_ms}
    ours = set(due(timing, _ms(begin), end_ms))

    def clock_times(slots: set[int]) -> list[str]:
        return [f"{datetime.fromtimestamp(one / 1000, zone):%H:%M}" for one in sorted(slots)]

    assert clock_times(theirs - ours) == theirs_only
    assert clock_times(ours - theirs) == ours_only


def celery_slots(when: Any, app: Celery, begin: datetime, count: int) -> Iterator[int]:
    """Yield when Celery's beat, which is always on time, runs a crontab."""
    now = begin
    when.app, when.nowfun = app, lambda: now
    for _ in range(count):
        now += when.remaining_estimate(now)
        yield _ms(now)


def _far_from_a_change(slots: Any, zone: str) -> list[int]:
    """Leave out what lies within hours of a change of the clocks.

    There Celery runs what is hourly once in two hours that read the same, and crontab(5) twice.
    """
    return [slot_ms for slot_ms in slots if not _is_near_a_change(slot_ms, ZoneInfo(zone))]


def _is_near_a_change(slot_ms: int, zone: ZoneInfo) -> bool:
    at = datetime.fromtimestamp(slot_ms / 1000, UTC)
    around = (at - timedelta(hours=3), at + timedelta(hours=3))
    return len({one.astimezone(zone).utcoffset() for one in around}) > 1


def _ms(at: datetime) -> int:
    return int(at.timestamp()) * 1000


def test_the_table_has_what_the_app_has_and_what_people_set(app: Celery) -> None:
    rows = MemoryScheduleRows()
    people = replace(read(app), name="people", sending=None)
    code = replace(people, name="code")
    rows.save(put(None, people, NOW_MS))
    rows.save(replace(put(None, code, NOW_MS), declared=True))
    app.conf.beat_schedule = {"one": EVERY_MINUTE, "two": EVERY_MINUTE, "people": EVERY_MINUTE}
    for _ in range(2):
        assert declare_all(rows, "shop", schedules(app, QUEUES), NOW_MS) == ["people"]
    assert set(rows.rows) == {"one", "two", "people", "code"}
    assert rows.rows["people"].schedule == people
    assert rows.rows["one"].version == 1

    rows.save(removed(rows.rows["two"]))
    app.conf.beat_schedule = {"two": EVERY_MINUTE}
    declare_all(rows, "shop", schedules(app, QUEUES), NOW_MS)
    assert set(rows.rows) == {"two", "people", "code"}
    assert rows.rows["two"].removed
    app.conf.beat_schedule = None
    declare_all(rows, "shop", schedules(app, QUEUES), NOW_MS)
    assert set(rows.rows) == {"people", "code"}


class Losing(MemoryScheduleRows):
    """Rows that another process writes before this one does, so many times."""

    def __init__(self, times: int) -> None:
        super().__init__()
        self._left = times

    def save(self, row: Row) -> bool:
        if self._left:
            self._left -= 1
            return False
        return super().save(row)


def test_workers_that_start_at_once_store_the_schedules(app: Celery) -> None:
    found = read(app)
    rows = Losing(2)
    assert declare_all(rows, "shop", [found], NOW_MS) == []
    assert rows.rows["one"].schedule == found
    with pytest.raises(Throttled):
        declare_all(Losing(100), "shop", [found], NOW_MS)


def test_a_tick_of_a_beat_that_knows_no_celery_runs_the_app_s_tasks(memory: InMemory) -> None:
    rows = MemoryScheduleRows()
    entry = {"task": shop.price.name, "schedule": 60, "args": (4,), "options": {"countdown": 5}}
    sent = [replace(one, name="restock") for one in _schedules_of(shop.app, entry)]
    declare_all(rows, "shop", sent, memory.now_ms())
    for _ in range(2):
        end_ms = memory.now_ms() + 60_000
        done = tick(rows, memory.sender, {}, [], memory.now_ms, end_ms)
        assert {**done.failed, **done.broken, **done.dropped} == {}
    (first, second) = due(Interval(60), NOW_MS, NOW_MS + HORIZON_MS)
    assert shop.ran == []
    memory.work((first - NOW_MS) / 1000 + 4)
    assert shop.ran == []
    memory.work((second - NOW_MS) / 1000)
    assert shop.ran == [4, 4]


def _schedules_of(app: Celery, entry: Mapping[str, Any]) -> list[Schedule]:
    app.conf.beat_schedule = {"one": dict(entry)}
    try:
        return list(schedules(app, QUEUES))
    finally:
        app.conf.beat_schedule = {}


def test_settings_without_meaning_are_found_in_either_spelling() -> None:
    app = Celery("old", set_as_current=False)
    old = {"CELERYD_CONCURRENCY": 3, "CELERYBEAT_SCHEDULE": {}, "CELERY_TIMEZONE": "UTC"}
    app.config_from_object(type("Config", (), old))
    assert without_meaning(app) == ["worker_concurrency"]
    app = Celery("new", broker="sqs://", set_as_current=False)
    app.conf.update(worker_prefetch_multiplier=1, task_default_queue="orders")
    assert without_meaning(app) == ["broker_url", "worker_prefetch_multiplier"]
