"""Sends a task of the stack from a program of one's own, and waits for its result.

python -m examples.producer.notify USER NEWS_ID
"""

import sys

from social.tasks import notify_friends

user_id, news_id = sys.argv[1:]
result = notify_friends.delay(user_id, news_id)
print(f"task {result.id} is {result.state}")
print(f"delivered to {result.get(timeout=60):,} friends")
