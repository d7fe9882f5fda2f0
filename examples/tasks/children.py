"""Tasks that send tasks."""

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
