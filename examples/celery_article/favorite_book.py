"""The article's second task, sent by beat every 100 seconds: the most popular books are found."""

import time

from celery import Celery

app = Celery("select_populate_book", backend="rpc://", broker="amqp://localhost")
app.config_from_object("config")


@app.task
def select_populate_book():
    print(f"select_populate_book begins at {time.ctime()}")
    time.sleep(2)
    print(f"select_populate_book is done at {time.ctime()}")
    return True
