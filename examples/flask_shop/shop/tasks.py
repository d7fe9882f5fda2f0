"""What the shop does in the background."""

from typing import Any

from celery import shared_task
from flask import current_app


class CardRefused(Exception):
    """The bank refuses the card."""


@shared_task
def price(item: str) -> float:
    """Return what an item costs today."""
    return float(current_app.config["PRICES"][item])


@shared_task
def total(prices: list[float]) -> float:
    """Return what an order costs."""
    return sum(prices)


@shared_task(bind=True, max_retries=2, default_retry_delay=1)
def charge(self: Any, amount: float, card: str) -> str:
    """Charge a card; the bank answers when it is asked again."""
    if self.request.retries == 0:
        raise self.retry(exc=ConnectionError("the bank does not answer"))
    if card == "lost":
        raise CardRefused(f"the card {card!r} is refused")
    return f"{amount} charged after {self.request.retries} retry"


@shared_task
def take_stock(where: str) -> str:
    """Count what there is to sell, now and then."""
    return f"{len(current_app.config['PRICES'])} items on the {where}"
