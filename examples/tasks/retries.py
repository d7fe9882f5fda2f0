"""Tasks that are tried again."""

import pytest

from taskqueue import App, Context, MaxRetriesExceeded
from taskqueue.testing import InMemory

app = App("shop", queue="payments")
answers: list[str] = []


class BankClosed(Exception):
    """The bank is closed."""


class CardRefused(Exception):
    """The card was refused."""


def ask_bank(card: str) -> str:
    """Answer what the test has prepared."""
    answer = answers.pop(0)
    if answer == "closed":
        raise BankClosed
    return f"{card}: {answer}"


@app.task(autoretry_for=(BankClosed,), max_retries=5, retry_backoff=2, retry_backoff_max=60)
def charge(card: str) -> str:
    return ask_bank(card)


@app.task(bind=True, max_retries=2)
def confirm(run: Context, card: str) -> str:
    answer = ask_bank(card)
    if answer.endswith("later"):
        run.log.info("asked to come later", extra={"retries": run.retries})
        raise run.retry(countdown=30)
    return answer


@app.task(throws=(CardRefused,))
def refund(card: str) -> None:
    raise CardRefused(card)


def test_an_error_is_tried_again() -> None:
    answers[:] = ["closed", "closed", "paid"]
    with InMemory(app):
        result = charge.delay("card")
        assert result.get(timeout=10) == "card: paid"


def test_a_task_asks_to_be_tried_again() -> None:
    answers[:] = ["later", "confirmed"]
    with InMemory(app) as memory:
        result = confirm.delay("card")
        memory.work(seconds=29)
        assert result.state == "RETRY"
        memory.work(seconds=1)
        assert result.get() == "card: confirmed"


def test_retries_end() -> None:
    answers[:] = ["later"] * 3
    with InMemory(app) as memory:
        result = confirm.delay("card")
        memory.work(seconds=60)
        with pytest.raises(MaxRetriesExceeded):
            result.get()
        (letter,) = memory.dead_letters()
        assert letter.reason.startswith("failed after 2 retries")


def test_an_error_that_is_part_of_the_work() -> None:
    with InMemory(app) as memory:
        result = refund.delay("card")
        with pytest.raises(CardRefused):
            result.get(timeout=1)
        assert not memory.dead_letters()
