"""A Celery app as its users write one; it knows nothing of this project."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from typing import Any

from celery import Celery, Task, chain, chord, group, signals
from celery.exceptions import Ignore, Reject, SoftTimeLimitExceeded
from kombu.exceptions import OperationalError

app = Celery("shop", broker="sqs://", backend="dynamodb://@us-east-1/shop")
app.conf.task_default_queue = "orders"
app.conf.task_routes = {"shop.slow.*": {"queue": "slow"}}

ran: list[Any] = []
told: list[tuple[Any, ...]] = []


# Celery's types know whole seconds only.
SHORT: Any = 0.05


class OutOfStock(Exception):
    """There is nothing left to send."""


class Telling(Task):  # type: ignore[type-arg]
    """A task class of the app's own."""

    greeting = "hello"

    def before_start(self, task_id: str, args: Any, kwargs: Any) -> None:
        told.append(("before_start", task_id))

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        told.append(("on_success", retval))

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        told.append(("on_failure", type(exc).__name__))

    def on_retry(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        told.append(("on_retry", type(exc).__name__))

    def after_return(self, status: str, *_others: Any) -> None:
        told.append(("after_return", status))


class FailingHooks(Task):  # type: ignore[type-arg]
    """A task class one of whose hooks fails: the one that the task's second argument names."""

    def on_success(self, retval: Any, task_id: str, args: Any, kwargs: Any) -> None:
        self.fail("on_success", args)

    def on_failure(self, exc: Exception, task_id: str, args: Any, kwargs: Any, einfo: Any) -> None:
        self.fail("on_failure", args)

    def after_return(self, status: str, retval: Any, task_id: str, args: Any, *_: Any) -> None:
        self.fail("after_return", args)

    def fail(self, name: str, args: Any) -> None:
        if args[1] == name:
            raise LookupError(args[0])


@app.task
def price(pieces: int, each: float = 1.5) -> float:
    ran.append(pieces)
    return pieces * each


@app.task(bind=True)
def seen(self: Any, *names: str) -> dict[str, Any]:
    return {name: getattr(self.request, name) for name in names}


@app.task
def echo(value: Any) -> Any:
    ran.append(value)
    return value


@app.task
def day_of(at: datetime, total: Decimal) -> Any:
    return [at.isoformat(), str(total * 2), at]


@app.task(throws=(OutOfStock,))
def ship(item: str) -> None:
    raise OutOfStock(item, 3)


@app.task
def complain(of: str) -> None:
    raise ValueError(of)


@app.task
def dismiss(reason: str) -> None:
    raise Reject(reason)


@app.task
def complain_of(request: Any, exc: Exception, traceback: Any) -> None:
    raise KeyError(*exc.args)


@app.task(base=FailingHooks)
def hooked(of: str, hook: str, *, fail: bool = False) -> str:
    if fail:
        raise ValueError(of)
    return hook


@app.task
def bulk(length: int) -> str:
    ran.append("bulk")
    return "x" * length


@app.task(bind=True, max_retries=3)
def grow(self: Any, length: int) -> None:
    ran.append("grow")
    raise self.retry(args=("x" * length,))


@app.task(bind=True)
def overgrow(self: Any, length: int) -> None:
    ran.append("overgrow")
    raise self.replace(echo.s("x" * length))


@app.task
def chain_of(length: int) -> None:
    ran.append("chain_of")
    chain(*[echo.s(number) for number in range(length)]).delay()


@app.task
def unwritable() -> Any:
    ran.append("unwritable")
    return object()


@app.task(bind=True, base=Telling, max_retries=2, default_retry_delay=30)
def charge(self: Any, failures: int) -> str:
    ran.append(self.request.retries)
    if self.request.retries < failures:
        raise self.retry(exc=ConnectionError("the bank is closed"))
    return f"{self.greeting} {self.request.retries}"


@app.task(
    bind=True,
    autoretry_for=(ConnectionError,),
    retry_backoff=10,
    retry_jitter=False,
    max_retries=3,
)
def collect(self: Any, failures: int) -> int:
    if self.request.retries < failures:
        raise ConnectionError("closed")
    return int(self.request.retries)


@app.task(bind=True)
def go_on(self: Any) -> str:
    if not self.request.retries:
        self.retry(countdown=60, throw=False)
        return "once"
    return "twice"


@app.task(bind=True)
def pack(self: Any) -> None:
    self.update_state(state="PACKING", meta={"boxes": 3})
    raise Ignore


@app.task(bind=True)
def count(self: Any) -> Any:
    self.update_state(state="COUNTING", meta={"of": 3})
    now = self.AsyncResult(self.request.id)
    return [now.state, now.result]


@app.task(bind=True)
def give_up(self: Any) -> None:
    self.update_state(state="FAILURE", meta={"exc_type": "ValueError", "exc_message": ["no"]})
    raise Ignore


@app.task(bind=True)
def refuse(self: Any, *, requeue: bool) -> str:
    ran.append(self.request.delivery_info["redelivered"])
    if not requeue or len(ran) < 3:
        raise Reject("not mine", requeue=requeue)
    return "mine"


@app.task(bind=True)
def refuse_and_retry(self: Any) -> str:
    redelivered = self.request.delivery_info["redelivered"]
    ran.append(redelivered)
    if redelivered:
        raise self.retry(countdown=0)
    if not self.request.retries:
        raise Reject("not now", requeue=True)
    return "mine"


@app.task(ignore_result=True)
def forget(*, fail: bool = False) -> str:
    if fail:
        raise ValueError("unseen")
    return "unseen"


@app.task(soft_time_limit=SHORT, time_limit=5)
def tidy() -> str:
    try:
        busy()
    except SoftTimeLimitExceeded:
        return "tidied"
    return "never"


@app.task(bind=True, base=Telling, time_limit=SHORT)
def stubborn(self: Any) -> None:
    while True:
        try:
            busy()
        except Exception:  # noqa: BLE001 - as many tasks do
            ran.append("swallowed")


@app.task
def leave() -> None:
    raise SystemExit(3)


@app.task(name="shop.slow.wait")
def wait() -> str:
    return "waited"


@app.task(bind=True)
def order(self: Any, items: list[int]) -> list[str]:
    ran.append("order")
    return [price.delay(item).id for item in items]


@app.task
def send_twice(task_id: str) -> None:
    ran.append("send_twice")
    for _ in range(2):
        price.apply_async((1,), task_id=task_id)


@app.task
def put_off() -> None:
    price.apply_async((1,), countdown=300)


@app.task
def order_or_not() -> str:
    try:
        price.delay(1)
    except OperationalError:
        return "not ordered"
    return "ordered"


@app.task
def chained(pieces: int) -> None:
    (price.s(pieces) | echo.s()).delay()


@app.task
def wait_for(pieces: int) -> Any:
    return price.delay(pieces).get()


@app.task
def join(values: list[Any], *more: Any) -> list[Any]:
    ran.append("join")
    return [*values, *more]


@app.task
def gather(pieces: list[int]) -> None:
    ran.append("gather")
    chord([price.s(one) for one in pieces], join.s()).delay()


@app.task(bind=True)
def price_all(self: Any, pieces: list[int], *, of_a_chord: bool = False) -> str:
    prices = [price.s(one) for one in pieces]
    for added in [group(prices) | join.s()] if of_a_chord else prices:
        self.add_to_chord(added)
    return "all"


@app.task(bind=True)
def replaced(self: Any, pieces: int, *, twice: bool = False) -> Any:
    ran.append("replaced")
    once = price.s(pieces)
    return self.replace(once | price.s() if twice else once)


@app.task(bind=True)
def replaced_by_a_chord(self: Any, pieces: list[int], *, fail: bool = False) -> Any:
    header = [price.s(one) for one in pieces] + [ship.s("hat")] * fail
    return self.replace(chord(header, join.s() | echo.s()))


@app.task
def tell(task_id: str) -> None:
    told.append(("tell", task_id))


@app.task
def explain(request: Any, exc: Exception, traceback: Any) -> None:
    told.append(("explain", request.id, str(exc)))


@app.task
def look(request: Any, exc: Exception, traceback: Any) -> None:
    seen = app.AsyncResult(request.id)
    told.append(("look", seen.state, type(seen.result).__name__, "in ship" in traceback))


@app.task(bind=True)
def ship_and_tell(self: Any) -> None:
    tell.delay(self.request.id)
    raise OutOfStock


def busy() -> None:
    """Work for ever."""
    while True:
        sum(range(1_000))


def listen(signal: Any, name: str) -> Callable[..., None]:
    """Let a signal be told."""

    def receive(sender: Any = None, **fields: Any) -> None:
        told.append((name, getattr(sender, "name", sender)))

    signal.connect(receive, weak=False)
    return receive


for _name in ("worker_init", "worker_process_init", "task_prerun", "task_postrun"):
    listen(getattr(signals, _name), _name)
for _name in ("task_success", "task_failure", "task_retry", "task_received", "task_revoked"):
    listen(getattr(signals, _name), _name)
