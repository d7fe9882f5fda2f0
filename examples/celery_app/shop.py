"""An ordinary Celery app: it knows nothing of where its tasks run."""

from typing import Any

from celery import Celery
from celery.schedules import crontab

app = Celery("shop")
app.conf.task_default_queue = "orders"
app.conf.timezone = "Europe/London"
app.conf.beat_schedule = {
    "opening": {
        "task": "examples.celery_app.shop.open_shop",
        "schedule": crontab(hour=8, minute=30, day_of_week="mon-fri"),
        "args": ("front door",),
    },
}


@app.task
def price(pieces: int, each: float = 1.5) -> float:
    """Return what so many pieces cost."""
    return pieces * each


@app.task
def total(prices: list[float]) -> float:
    """Return what an order costs."""
    return sum(prices)


@app.task
def open_shop(door: str) -> str:
    """Open the shop for the day."""
    return f"the {door} is open"


@app.task(bind=True, max_retries=2, default_retry_delay=1)
def charge(self: Any, card: str) -> str:
    """Charge a card; the bank answers when it is asked again."""
    if self.request.retries == 0:
        raise self.retry(exc=ConnectionError("the bank does not answer"))
    if card == "lost":
        raise ValueError("the card is lost")
    return f"charged after {self.request.retries} retry"
