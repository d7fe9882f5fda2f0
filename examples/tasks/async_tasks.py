"""Tasks that wait for a network, run together."""

import asyncio

from taskqueue import App, send_many
from taskqueue.testing import InMemory

app = App("links", queue="links")
running: list[str] = []
most_at_once = 0


@app.task(time_limit=20)
async def look_up(link: str) -> int:
    global most_at_once
    running.append(link)
    most_at_once = max(most_at_once, len(running))
    await asyncio.sleep(0.01)  # a request to somebody else's service
    running.remove(link)
    return len(link)


def test_a_batch_waits_together() -> None:
    with InMemory(app):
        results = send_many([look_up.call("a" * length) for length in range(10)])
        assert [result.get(timeout=1) for result in results] == list(range(10))
    assert most_at_once == 10
