"""An app's tasks run in a unit test."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from taskqueue import (
    App,
    Context,
    DirectCall,
    MaxRetriesExceeded,
    NoSettings,
    ResultExpired,
    Retry,
    SoftTimeLimitExceeded,
    TaskFailed,
    TaskIdTaken,
    TaskNotFound,
    TaskRevoked,
    WrongArguments,
    send_many,
)
from taskqueue.context import DEFERRED
from taskqueue.groups.finishing import end_whole, finish_part
from taskqueue.groups.part import Done, Part
from taskqueue.groups.progress import PartsPlan
from taskqueue.message import Message
from taskqueue.sending.call import Parent
from taskqueue.testing import InMemory

NOW_MS = 1_795_370_400_000
NOW = datetime.fromtimestamp(NOW_MS / 1000, UTC)

app = App("shop", queue="orders")
told: list[Any] = []


class OutOfStock(Exception):
    """There is nothing left to send."""


class Picky(ValueError):
    """An error that makes its own text."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is not to my taste")


@app.task
def price(pieces: int, each: float = 1.5) -> float:
    return pieces * each


@app.task
def taste(name: str) -> None:
    raise Picky(name)


@app.task(throws=(OutOfStock,))
def ship(item: str) -> None:
    raise OutOfStock(item, object())


@app.task(
    bind=True, autoretry_for=(ConnectionError,), retry_backoff=10, retry_jitter=False, max_retries=2
)
def charge(run: Context, failures: int) -> int:
    if run.retries < failures:
        raise ConnectionError("the bank is closed")
    return run.attempt


@app.task(bind=True)
def ask(run: Context) -> None:
    raise run.retry(countdown=60, exc=OutOfStock("later"))


@app.task(bind=True, max_retries=1)
def ask_in_vain(run: Context) -> None:
    run.retry(eta=NOW + timedelta(seconds=30))


@app.task(bind=True, queue="slow")
def parent(run: Context, parts: int) -> Any:
    run.plan_parts(PartsPlan(parts, parts, is_whole=True))
    messages = [
        Message("part", f"{run.id}.{index}", queue="orders", part=Part(run.id, index, parts))
        for index in range(parts)
    ]
    run.sender.send_unrecorded(messages, run.now_ms())
    return DEFERRED


@app.task(bind=True, idempotent=True)
def part(run: Context) -> None:
    assert run.message.part is not None
    whole = finish_part(run.store, run.message.part, Done(1), run.now_ms())
    if whole:
        parent = Message("parent", run.message.part.whole_id)
        end_whole(run.store, parent, whole, run.now_ms())


@app.task(bind=True, max_retries=1)
def order(run: Context, items: list[int]) -> list[str]:
    """Send one task for each item, and fail after that the first time."""
    ids = [price.delay(item).id for item in items]
    ids += [result.id for result in send_many([price.call(item) for item in items])]
    if run.retries == 0 and len(items) > 2:
        run.retry(countdown=1)
    return ids


@app.task
def wait_for(pieces: int) -> float:
    return price.delay(pieces).get(timeout=1)


@app.task
async def fetch(seconds: float) -> float:
    await asyncio.sleep(seconds)
    return seconds


@app.task(
    bind=True,
    max_retries=1,
    before_start=lambda run: told.append(("start", run.retries)),
    on_success=lambda run, value: told.append(("success", value)),
    on_failure=lambda run, error: told.append(("failure", str(error))),
    on_retry=lambda run, error: told.append(("retry", str(error))),
)
def hooked(run: Context, failures: int) -> str:
    if run.retries < failures:
        run.retry(countdown=1, exc=ValueError(run.retries))
    return "done"


@app.task(on_success=lambda run, value: value.missing)
def careless() -> str:
    return "done"


@pytest.fixture
def memory() -> Iterator[InMemory]:
    told.clear()
    with InMemory(app, NOW_MS) as memory:
        yield memory


def test_a_task_runs_when_the_worker_works(memory: InMemory) -> None:
    result = price.delay(3, each=2)
    assert (result.state, result.ready()) == ("PENDING", False)
    memory.work()
    assert (result.state, result.ready(), result.get()) == ("SUCCESS", True, 6)
    assert memory.now_ms() == NOW_MS


def test_waiting_for_a_result_lets_the_worker_work(memory: InMemory) -> None:
    assert charge.delay(1).get(timeout=30) == 2


def test_waiting_ends_with_the_timeout(memory: InMemory) -> None:
    result = price.apply_async([1], countdown=60)
    with pytest.raises(TimeoutError, match="the task is PENDING after 10 seconds"):
        result.get(timeout=10)
    assert NOW_MS + 10_000 <= memory.now_ms() <= NOW_MS + 11_000


def test_the_task_s_own_exception_is_raised(memory: InMemory) -> None:
    result = ship.delay("hat")
    memory.work()
    with pytest.raises(OutOfStock) as caught:
        result.get()
    assert caught.value.args[0] == "hat"
    raised = memory.raised(result)
    assert raised is not None
    assert raised.__traceback__ is not None
    assert memory.dead_letters() == []


def test_an_exception_whose_class_is_not_known_is_told_by_its_name(memory: InMemory) -> None:
    class Hidden(Exception):
        pass

    def fail() -> None:
        raise Hidden("where?")

    hidden = App("hidden", queue="q")
    task = hidden.task(fail)
    with InMemory(hidden) as memory:
        result = task.delay()
        memory.work()
        with pytest.raises(TaskFailed, match=r"Hidden: where\?"):
            result.get()


def test_an_exception_that_makes_its_text_has_it_once(memory: InMemory) -> None:
    result = taste.delay("tea")
    memory.work()
    with pytest.raises(Picky, match=r"^tea is not to my taste$"):
        result.get()


def test_retries_wait_for_their_time(memory: InMemory) -> None:
    result = charge.delay(1)
    memory.work()
    assert result.state == "RETRY"
    memory.work(seconds=10)
    assert result.get() == 2
    assert memory.now_ms() == NOW_MS + 10_000


def test_exhausted_retries_are_a_dead_letter(memory: InMemory) -> None:
    result = charge.delay(99)
    memory.work(seconds=3_600)
    with pytest.raises(ConnectionError, match="the bank is closed"):
        result.get()
    (letter,) = memory.dead_letters()
    assert (letter.task_id, letter.task) == (result.id, "charge")
    assert letter.reason.startswith("failed after 2 retries")


def test_a_retry_s_cause_is_what_is_raised_in_the_end(memory: InMemory) -> None:
    result = ask.delay()
    memory.work(seconds=3_600)
    with pytest.raises(OutOfStock, match="later"):
        result.get()


def test_without_a_cause_too_many_retries_are_celery_s_own_error(memory: InMemory) -> None:
    result = ask_in_vain.delay()
    memory.work(seconds=29)
    assert result.state == "RETRY"
    memory.work(seconds=60)
    assert isinstance(memory.raised(result), MaxRetriesExceeded)
    record = memory.store.get(result.id)
    assert record is not None
    assert record.error is not None
    assert (record.error.module, record.error.type) == (
        "celery.exceptions",
        "MaxRetriesExceededError",
    )


def test_a_task_is_never_run_before_its_eta(memory: InMemory) -> None:
    result = price.apply_async([1], eta=NOW + timedelta(seconds=3_600.5))
    memory.work(seconds=3_599)
    assert not result.ready()
    memory.work(seconds=2)
    assert result.get() == 1.5
    record = memory.store.get(result.id)
    assert record is not None
    assert record.finished_at_ms == NOW_MS + 3_600_500


@pytest.mark.parametrize("expires", [0, NOW])
def test_what_was_expired_was_revoked(memory: InMemory, expires: float | datetime) -> None:
    result = price.apply_async([1], expires=expires)
    memory.work()
    with pytest.raises(TaskRevoked, match="expired"):
        result.get()


@pytest.mark.parametrize("task_name", ["price", "taste"])
def test_a_result_that_is_no_longer_kept_is_an_error_and_not_none(
    memory: InMemory, task_name: str
) -> None:
    result = memory.send(Message(task_name, "a", [1], queue="orders"))
    memory.work()
    memory.work(seconds=memory.store.result_ttl_seconds + 1)
    assert result.ready()
    with pytest.raises(ResultExpired):
        result.get()


def test_options_of_a_call(memory: InMemory) -> None:
    result = price.apply_async(
        [2], {"each": 3.0}, task_id="mine", queue="slow", headers={"trace": "t1"}, group_id="user"
    )
    (message,) = memory.broker.messages(memory.queues["slow"].url)
    assert '"trace":"t1"' in message.body
    assert message.group_id == "user"
    memory.work()
    assert (result.id, result.get()) == ("mine", 6)


def test_an_id_is_one_task_s(memory: InMemory) -> None:
    price.apply_async([2], task_id="mine")
    price.apply_async([2], task_id="mine")
    memory.work()
    assert price.apply_async([2], task_id="mine").get() == 3
    with pytest.raises(TaskIdTaken):
        charge.apply_async([0], task_id="mine")


def test_a_countdown_and_an_eta_are_one_too_many(memory: InMemory) -> None:
    with pytest.raises(TypeError, match="eta"):
        price.apply_async([1], countdown=1, eta=NOW)


@pytest.mark.parametrize("task_id", ["", "x" * 256, "a b", "a/b", "a\n", "é", 7])
def test_an_id_that_the_api_cannot_name_is_an_error(memory: InMemory, task_id: Any) -> None:
    with pytest.raises(ValueError, match=r"^task_id: must be 1 to 255 of the characters A-Z"):
        price.apply_async([1], task_id=task_id)


@pytest.mark.parametrize("task_id", ["x" * 255, "a.b_c~d@e:f-9"])
def test_an_id_that_the_api_can_name_is_taken(memory: InMemory, task_id: str) -> None:
    assert price.apply_async([1], task_id=task_id).id == task_id


@pytest.mark.parametrize(
    ("option", "value", "wanted"),
    [
        ("countdown", "soon", "a number of seconds, or None"),
        ("countdown", float("inf"), "a number of seconds, or None"),
        ("eta", "2026-01-01", "a datetime, or None"),
        ("eta", 60, "a datetime, or None"),
        ("expires", "tomorrow", "a datetime or a number of seconds, or None"),
        ("queue", 5, "a text that is not empty, or None"),
        ("headers", None, "a mapping whose keys are texts"),
        ("headers", {1: "one"}, "a mapping whose keys are texts"),
        ("group_id", "a b", "1 to 128 visible characters of ASCII, without a space, or None"),
        ("time_limit", "a", "a number of seconds above 0, or None"),
        ("time_limit", -1, "a number of seconds above 0, or None"),
        ("soft_time_limit", True, "a number of seconds above 0, or None"),
        ("ignore_result", 1, "True or False"),
    ],
)
def test_a_wrong_value_of_an_option_of_a_call_names_the_option(
    memory: InMemory, option: str, value: object, wanted: str
) -> None:
    given: Any = {option: value}
    with pytest.raises(ValueError, match=f"^{option}: must be {wanted}$"):
        price.apply_async([1], **given)
    assert not memory.broker.messages(memory.queues["orders"].url)


def test_a_soft_limit_of_a_call_comes_before_its_hard_one(memory: InMemory) -> None:
    with pytest.raises(ValueError, match="soft_time_limit: must be less than time_limit"):
        price.apply_async([1], soft_time_limit=30, time_limit=10)


def test_a_countdown_that_is_negative_is_a_time_that_has_passed(memory: InMemory) -> None:
    result = price.apply_async([1], countdown=-1)
    memory.work()
    assert result.get() == 1.5


def test_an_argument_that_is_no_json_is_named_with_its_task(memory: InMemory) -> None:
    some: Any = {1, 2}
    with pytest.raises(WrongArguments, match=r"argument 1 of price cannot be .* JSON: .* set"):
        price.delay(some)
    with pytest.raises(WrongArguments, match=r"the argument 'each' of price cannot be .* JSON"):
        price.delay(1, each=float("nan"))


def test_a_bound_task_that_is_called_has_a_run() -> None:
    def first_of(run: Context, name: str) -> tuple[str, str, int, int]:
        run.log.info("called")
        return name, run.message.task, run.attempt, run.retries

    task = App("test", queue="work").task(bind=True)(first_of)
    assert task("you") == ("you", "first_of", 1, 0)


@pytest.mark.parametrize(
    "use",
    [
        lambda run: run.set_progress(1),
        lambda run: run.plan_parts(PartsPlan(1, 1, is_whole=True)),
        lambda run: run.sender.send_many([], run.now_ms()),
    ],
)
def test_what_a_called_task_has_no_worker_for_is_refused(use: Any) -> None:
    task = App("test", queue="work").task(bind=True, name="task")(use)
    with pytest.raises(DirectCall, match=r"has no worker and no record\. See docs/testing\.md"):
        task()


def test_a_called_task_that_asks_for_a_retry_raises_it() -> None:
    with pytest.raises(Retry) as caught:
        ask()
    assert (caught.value.countdown_seconds, str(caught.value.cause)) == (60, "later")


def test_a_result_tells_how_the_task_ended(memory: InMemory) -> None:
    good, bad = price.delay(1), taste.delay("salt")
    assert [(one.successful(), one.failed()) for one in (good, bad)] == [(False, False)] * 2
    memory.work()
    assert (good.status, good.successful(), good.failed()) == ("SUCCESS", True, False)
    assert (bad.status, bad.successful(), bad.failed()) == ("FAILURE", False, True)


def test_an_unknown_option_of_a_call_is_an_error(memory: InMemory) -> None:
    with pytest.raises(TypeError, match="count_down: a task is not sent with such an option"):
        price.apply_async([1], count_down=1)  # type: ignore[call-arg]


def test_arguments_travel_as_json(memory: InMemory) -> None:
    with pytest.raises(TypeError, match="JSON"):
        price.delay(object())  # type: ignore[arg-type]


def test_arguments_that_do_not_fit_are_the_caller_s_error(memory: InMemory) -> None:
    with pytest.raises(WrongArguments, match="too many positional arguments"):
        price.delay(1, 2, 3)  # type: ignore[call-arg]


def test_poison_is_a_dead_letter(memory: InMemory) -> None:
    result = memory.send(Message("price", "bad", [1, 2, 3], queue="orders"))
    memory.work()
    (letter,) = memory.dead_letters()
    assert "too many positional arguments" in letter.reason
    assert not result.ready()


def test_many_at_once_in_the_order_of_their_calls(memory: InMemory) -> None:
    results = send_many([price.call(pieces) for pieces in range(60)])
    memory.work()
    assert [result.get() for result in results] == [pieces * 1.5 for pieces in range(60)]


def test_one_bad_call_of_many_sends_nothing(memory: InMemory) -> None:
    with pytest.raises(WrongArguments):
        send_many([price.call(1), price.call(1, 2, 3)])  # type: ignore[call-arg]
    assert memory.broker.messages(memory.queues["orders"].url) == ()


def test_a_task_sends_tasks_which_are_its_children(memory: InMemory) -> None:
    result = order.delay([1, 1])
    memory.work()
    ids = result.get()
    assert len(set(ids)) == 4
    child = memory.store.get(ids[0])
    assert child is not None
    assert (child.task, child.result) == ("price", 1.5)


def test_a_parent_that_runs_again_does_not_double_its_children(memory: InMemory) -> None:
    memory.send(Message("order", "parent", [[1, 1]], queue="orders"))
    memory.work()
    first = memory.store.get("parent")
    assert first is not None
    with InMemory(app, NOW_MS) as again:
        again.send(Message("order", "parent", [[1, 1]], queue="orders"))
        again.work()
        second = again.store.get("parent")
        assert second is not None
        assert second.result == first.result


def test_a_child_s_object_may_have_numbers_and_texts_as_keys() -> None:
    message = Message("order", "id-1")
    first, again = (Parent(message).child_id("p", [{1: "a", "b": 2}], {}) for _ in range(2))
    assert first == again != Parent(message).child_id("p", [{1: "a", "b": 3}], {})


def test_a_child_s_id_is_the_same_in_every_version() -> None:
    made = Parent(Message("order", "id-1")).child_id("price", [1], {"b": {"d": 1, "c": None}})
    assert made == "8fb90973-3bee-43d9-a071-6427ec9806f9"


def test_a_retry_of_a_parent_sends_new_children(memory: InMemory) -> None:
    result = order.delay([1, 2, 3])
    memory.work(seconds=60)
    assert len(result.get()) == 6
    assert not {"SUCCESS"} - {memory.client.result(id).state for id in result.get()}


def test_a_task_must_not_wait_for_another(memory: InMemory) -> None:
    result = wait_for.delay(1)
    memory.work()
    with pytest.raises(RuntimeError, match="must not wait"):
        result.get()


def test_hooks_are_told_what_happened(memory: InMemory) -> None:
    assert hooked.delay(1).get(timeout=60) == "done"
    assert told == [("start", 0), ("retry", "0"), ("start", 1), ("success", "done")]
    told.clear()
    with pytest.raises(ValueError, match="1"):
        hooked.delay(9).get(timeout=60)
    assert told == [("start", 0), ("retry", "0"), ("start", 1), ("failure", "1")]


def test_a_hook_that_fails_changes_nothing(memory: InMemory) -> None:
    assert careless.delay().get(timeout=1) == "done"


def test_the_log_of_a_run_names_its_task(capsys: pytest.CaptureFixture[str]) -> None:
    talkative = App("talkative", queue="q")

    @talkative.task(bind=True)
    def speak(run: Context) -> None:
        run.log.info("half way")

    with InMemory(talkative, NOW_MS) as memory:
        result = speak.delay()
        memory.work()
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "half way" in line]
    assert f'"task_id":"{result.id}"' in line
    assert '"task":"speak"' in line


def test_coroutines_run_too(memory: InMemory) -> None:
    result = fetch.delay(0.001)
    memory.work()
    assert result.get() == 0.001


def test_a_task_and_its_parts_on_two_queues(memory: InMemory) -> None:
    result = parent.delay(25)
    memory.work()
    assert result.get() == 25


def test_an_unknown_task_has_no_record(memory: InMemory) -> None:
    with pytest.raises(TaskNotFound):
        memory.client.result("never-issued").get()


def test_an_idempotent_task_has_none_either(memory: InMemory) -> None:
    result = memory.send(Message("part", "p", queue="orders", part=Part("nobody", 0, 1)))
    memory.work()
    with pytest.raises(TaskNotFound):
        _ = result.state


def test_outside_a_test_delay_goes_by_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TASKS_TABLE", raising=False)
    with pytest.raises(NoSettings, match="TASKS_TABLE"):
        price.delay(1)


def test_a_task_that_retries_for_ever_stays_within_its_seconds() -> None:
    endless = App("endless", queue="q")

    @endless.task(max_retries=None)
    def again() -> None:
        raise Retry(0.5)

    with InMemory(endless, NOW_MS) as memory:
        again.delay()
        memory.work(seconds=60)
        assert NOW_MS + 60_000 <= memory.now_ms() < NOW_MS + 61_000


def test_a_soft_limit_is_raised_in_the_task() -> None:
    slow = App("slow", queue="q")

    @slow.task(soft_time_limit=0.05)
    def tidy() -> str:
        try:
            while True:
                pass
        except SoftTimeLimitExceeded:
            return "tidied"

    with InMemory(slow) as memory:
        result = tidy.delay()
        memory.work()
        assert result.get() == "tidied"
