"""Announce a piece of news and wait until all friends have it.

python post_news.py USER_ID NEWS_ID
"""

import sys
import time

from tasks import notify_friends


def main(user_id: str, news_id: str) -> None:
    """Send the task, look at it until it is ready, and print what it returned."""
    result = notify_friends.delay(user_id, news_id)
    print(f"task {result.id} sent")
    while not result.ready():
        print(f"ready: {result.ready()}, state: {result.state}")
        time.sleep(0.5)
    print(f"delivered to {result.get()} friends")


if __name__ == "__main__":
    main(*sys.argv[1:])
