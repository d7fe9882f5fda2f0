"""A process with `async def` tasks that take no notice of anything that is to end them.

Prints what became of each, and of one after them; and ends.
"""

import asyncio
import gc

from taskqueue.app import App
from taskqueue.message import Message
from taskqueue.records.lease import Claim
from tests.unit.taskqueue.rig import Rig

NAMES = ("endless", "limited", "endless_children", "suspect")

app = App("endless", queue="work")


async def go_on() -> None:
    while True:
        try:
            await asyncio.sleep(0.005)
        except BaseException:  # noqa: BLE001 - as careless tasks do
            continue


@app.task
async def endless() -> None:
    await go_on()


@app.task(time_limit=0.01)
async def limited() -> None:
    await go_on()


@app.task
async def endless_children() -> None:
    await asyncio.gather(go_on(), go_on())


@app.task
async def good() -> None:
    await asyncio.sleep(0.001)


def main() -> None:
    rig = Rig(app, remaining_ms=1_100)
    worker = rig.worker()
    for name in NAMES[:3]:
        rig.send(Message(name, name), Message("good", f"beside {name}"))
        rig.deliver(worker=worker)
    suspect = Message("endless", "suspect")
    rig.store.claim([Claim(suspect, rig.now_ms, "of a dead worker", "n")], rig.now_ms)
    rig.send(suspect, Message("good", "beside suspect"))
    rig.deliver(worker=worker)
    gc.collect()
    for task_id in NAMES:
        print(f"{task_id}: {rig.record(task_id).status}")
        print(f"beside {task_id}: {rig.record(f'beside {task_id}').status}")


if __name__ == "__main__":
    main()
