"""The article's program that sends the task, waits until it is ready, and prints its result."""

import time

from notify_friends import notify_friends


def notify(user_id, news_id):
    result = notify_friends.delay(user_id, news_id)
    while not result.ready():
        time.sleep(1)
    print(result.get(timeout=1))


if __name__ == "__main__":
    notify("001", "001")
