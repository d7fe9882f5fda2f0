"""Orders over HTTP: the answer comes at once, what it costs and whether it was paid later."""

from typing import Any

from celery import chord
from celery.result import AsyncResult
from flask import Blueprint, request

from shop.tasks import charge, price, total

orders = Blueprint("orders", __name__, url_prefix="/orders")


@orders.post("")
def place() -> tuple[dict[str, Any], int]:
    """Have an order's items priced side by side, added up, and the sum charged to a card."""
    order = request.get_json()
    bill = chord([price.s(item) for item in order["items"]], total.s())
    paid = (bill | charge.s(order["card"])).delay()
    return {"order": paid.id}, 202


@orders.get("/<order>")
def look(order: str) -> dict[str, Any]:
    """Say how far an order is."""
    paid: AsyncResult[Any] = AsyncResult(order)
    if not paid.ready():
        return {"state": "open"}
    if paid.failed():
        return {"state": "failed", "because": repr(paid.result)}
    return {"state": "paid", "receipt": paid.result}
