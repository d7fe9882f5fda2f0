"""The tasks of a shop."""

from taskqueue import App, Context

app = App("shop", queue="orders")


@app.task
def total(prices: list[float]) -> float:
    return sum(prices)


@app.task(bind=True, autoretry_for=(ConnectionError,), default_retry_delay=10, max_retries=1)
def charge(run: Context, card: str) -> str:
    if card == "lost" or run.retries == 0:
        raise ConnectionError("the bank does not answer")
    return "charged"


@app.task
def check_out(card: str) -> str:
    return charge.delay(card).id
