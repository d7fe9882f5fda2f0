"""Tasks that send tasks."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from taskqueue import App, send_many
from taskqueue.testing import InMemory

app = App("shop", queue="orders")


@app.task
def pack(item: str) -> str:
    return f"{item} is packed"


@app.task
def check_out(items: list[str]) -> list[str]:
    results = send_many([pack.call(item) for item in items])
    return [result.id for result in results]


@app.task
def pack_in_threads(items: list[str]) -> list[str]:
    with ThreadPoolExecutor() as pool:
        sent = [pool.submit(copy_context().run, pack.delay, item) for item in items]
        return [one.result().id for one in sent]


def test_what_threads_send_are_children() -> None:
    ids = []
    for _ in range(2):
        with InMemory(app) as memory:
            result = pack_in_threads.apply_async([["cup"] * 20], task_id="packing")
            memory.work()
            ids.append(sorted(result.get()))
    assert len(set(ids[0])) == 20
    assert ids[0] == ids[1]


def test_the_children_of_a_task() -> None:
    with InMemory(app) as memory:
        result = check_out.delay(["cup", "plate", "cup"])
        memory.work()
        ids = result.get()
        assert len(set(ids)) == 3
        children = [memory.store.get(task_id) for task_id in ids]
        assert [child and child.result for child in children] == [
            "cup is packed",
            "plate is packed",
            "cup is packed",
        ]
