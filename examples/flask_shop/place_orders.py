"""Places orders with the web service and prints what became of each, as JSON."""

import json
import time
from typing import Any

from shop import create_app

ORDERS = {
    "breakfast": {"items": ["bread", "jam", "tea"], "card": "mine"},
    "party": {"items": ["caviar"] * 20, "card": "mine"},
    "unpaid": {"items": ["tea"], "card": "lost"},
    "unknown": {"items": ["tea", "coal"], "card": "mine"},
}


def main() -> None:
    """Place all orders, then wait for each."""
    customer = create_app().test_client()
    placed = {name: customer.post("/orders", json=order).json for name, order in ORDERS.items()}
    ended = {name: _ended(customer, answer["order"]) for name, answer in placed.items()}
    print(json.dumps(ended, indent=2))


def _ended(customer: Any, order: str) -> Any:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        answer = customer.get(f"/orders/{order}").json
        if answer["state"] != "open":
            return answer
        time.sleep(0.2)
    raise TimeoutError(f"order {order} is still open")


if __name__ == "__main__":
    main()
