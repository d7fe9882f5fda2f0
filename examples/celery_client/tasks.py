"""The tasks as the web service sees them: names and signatures, run by the deployed workers."""

from celery import Celery

app = Celery("tasks")
app.config_from_object("celeryconfig")


@app.task(name="notify_friends")
def notify_friends(user_id: str, news_id: str) -> int:
    """Put the news into the feeds of the user's friends."""
    raise NotImplementedError("this task runs in its consumer Lambda")
