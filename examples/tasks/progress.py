"""A task that says how far it is."""

from taskqueue import App, Context
from taskqueue.testing import InMemory

app = App("albums", queue="photos")


@app.task(bind=True)
def shrink(run: Context, photos: list[str]) -> int:
    for done, photo in enumerate(photos, 1):
        run.log.info("shrunk", extra={"length": len(photo)})
        run.set_progress({"done": done, "of": len(photos)})
    return len(photos)


def test_progress() -> None:
    with InMemory(app) as memory:
        result = shrink.delay(["a", "b"])
        memory.work()
        record = memory.store.get(result.id)
        assert record is not None
        assert record.progress == {"done": 2, "of": 2}
