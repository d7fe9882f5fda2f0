"""Tasks that wait for a network, run together."""

import asyncio

from taskqueue import App, send_many
from taskqueue.testing import InMemory

app = App("links", queue="links")


class Site:
    """Stands for somebody else's service; it answers once ten requests have come."""

    def __init__(self) -> None:
        self._requests = asyncio.Barrier(10)

    async def get(self, link: str) -> str:
        async with self._requests:
            return f"page of {link}"


site = Site()


@app.task(time_limit=20)
async def look_up(link: str) -> int:
    page = await site.get(link)
    return len(page)


def test_a_batch_waits_together() -> None:
    with InMemory(app):
        results = send_many([look_up.call(str(link)) for link in range(10)])
        assert [result.get(timeout=1) for result in results] == [len("page of 0")] * 10
