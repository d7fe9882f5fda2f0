"""The article's first task: a piece of news is brought to a user's friends."""

import time

from celery import Celery

app = Celery("notify_friends", backend="rpc://", broker="amqp://localhost")


@app.task
def notify_friends(user_id, news_id):
    print(f"notify_friends begins at {time.ctime()}: user {user_id}, news {news_id}")
    time.sleep(2)
    print(f"notify_friends is done at {time.ctime()}")
    return True
