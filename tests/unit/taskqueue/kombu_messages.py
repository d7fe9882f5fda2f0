"""Messages that Celery 5.7.0 and kombu 5.7.0 wrote, as they wrote them.

Captured from `kombu.transport.memory.Channel._put` of a stock Celery application; the SQS transport
gives the same dictionaries to `kombu.utils.json.dumps`, and base64 to that unless it is told not to
(`sqs_base64_encoding`).
"""

import base64
import json
from typing import Any

# `notify_friends.apply_async(("80", "n1"), {"b": {"x": ["é", 1.5, None, True]}})`
PLAIN = (
    '{"body": "W1siODAiLCAibjEiXSwgeyJiIjogeyJ4IjogWyJcdTAwZTkiLCAxLjUsIG51bGwsIHRydWVdfX0sIHsi'
    'Y2FsbGJhY2tzIjogbnVsbCwgImVycmJhY2tzIjogbnVsbCwgImNoYWluIjogbnVsbCwgImNob3JkIjogbnVsbH1d",'
    ' "content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": '
    '"py", "task": "notify_friends", "id": "11111111-2222-3333-4444-555555555555", "shadow": '
    'null, "eta": null, "expires": null, "group": null, "group_index": null, "retries": 0, '
    '"timelimit": [null, null], "root_id": "11111111-2222-3333-4444-555555555555", "parent_id":'
    " null, \"argsrepr\": \"('80', 'n1')\", \"kwargsrepr\": \"{'b': {'x': ['\\u00e9', 1.5, None, "
    'True]}}", "origin": "gen1@host", "ignore_result": false, "replaced_task_nesting": 0, '
    '"stamped_headers": null, "stamps": {}}, "properties": {"correlation_id": '
    '"11111111-2222-3333-4444-555555555555", "reply_to": '
    '"0e9d1520-c6d5-3bd5-bbd9-e8718f476639", "delivery_mode": 2, "delivery_info": {"exchange": '
    '"", "routing_key": "notifications"}, "priority": 0, "body_encoding": "base64", '
    '"delivery_tag": "16f6aea8-ebb4-4f78-8bcb-3bf5f62c32d0"}}'
)

# With an eta, expires, a time limit of 30 s, `ignore_result`, a root and a parent.
TIMED = (
    '{"body": "W1siODAiLCAibjEiXSwge30sIHsiY2FsbGJhY2tzIjogbnVsbCwgImVycmJhY2tzIjogbnVsbCwgImNo'
    'YWluIjogbnVsbCwgImNob3JkIjogbnVsbH1d", "content-encoding": "utf-8", "content-type": '
    '"application/json", "headers": {"lang": "py", "task": "notify_friends", "id": '
    '"22222222-2222-3333-4444-555555555555", "shadow": null, "eta": '
    '"2026-11-22T18:00:00.250000+00:00", "expires": "2026-11-22T19:00:00+00:00", "group": null,'
    ' "group_index": null, "retries": 0, "timelimit": [30, null], "root_id": "r", "parent_id": '
    '"p", "argsrepr": "(\'80\', \'n1\')", "kwargsrepr": "{}", "origin": "gen1@host", '
    '"ignore_result": true, "replaced_task_nesting": 0, "stamped_headers": null, "stamps": {}},'
    ' "properties": {"correlation_id": "22222222-2222-3333-4444-555555555555", "reply_to": '
    '"0e9d1520-c6d5-3bd5-bbd9-e8718f476639", "delivery_mode": 2, "expiration": "7986646", '
    '"delivery_info": {"exchange": "", "routing_key": "notifications"}, "priority": 0, '
    '"body_encoding": "base64", "delivery_tag": "69e302f1-01d9-4440-ac80-c0f3fd3e4d7b"}}'
)

# With `serializer="pickle"`.
PICKLED = (
    '{"body": "gASVOwAAAAAAAACMAjgwlIWUfZR9lCiMCWNhbGxiYWNrc5ROjAhlcnJiYWNrc5ROjAVjaGFpbpROjAVj'
    'aG9yZJROdYeULg==", "content-encoding": "binary", "content-type": '
    '"application/x-python-serialize", "headers": {"lang": "py", "task": "notify_friends", '
    '"id": "33333333-2222-3333-4444-555555555555", "shadow": null, "eta": null, "expires": '
    'null, "group": null, "group_index": null, "retries": 0, "timelimit": [null, null], '
    '"root_id": "33333333-2222-3333-4444-555555555555", "parent_id": null, "argsrepr": '
    '"(\'80\',)", "kwargsrepr": "{}", "origin": "gen1@host", "ignore_result": false, '
    '"replaced_task_nesting": 0, "stamped_headers": null, "stamps": {}}, "properties": '
    '{"correlation_id": "33333333-2222-3333-4444-555555555555", "reply_to": '
    '"0e9d1520-c6d5-3bd5-bbd9-e8718f476639", "delivery_mode": 2, "delivery_info": {"exchange": '
    '"", "routing_key": "notifications"}, "priority": 0, "body_encoding": "base64", '
    '"delivery_tag": "55bc000b-b4ab-4459-a58c-74bd60e1eef8"}}'
)

# With `compression="gzip"`.
COMPRESSED = (
    '{"body": '
    '"eJyLjlayMFCK1VGorgVipeTEnJykxOTsYiUrhbzSnBwdBaXUoiI0keSMxMw8ZG5+UQqUWxsLAAjoGe0=", '
    '"content-encoding": "utf-8", "content-type": "application/json", "headers": {"lang": "py",'
    ' "task": "notify_friends", "id": "55555555-2222-3333-4444-555555555555", "shadow": null, '
    '"eta": null, "expires": null, "group": null, "group_index": null, "retries": 0, '
    '"timelimit": [null, null], "root_id": "55555555-2222-3333-4444-555555555555", "parent_id":'
    ' null, "argsrepr": "(\'80\',)", "kwargsrepr": "{}", "origin": "gen1@host", "ignore_result": '
    'false, "replaced_task_nesting": 0, "stamped_headers": null, "stamps": {}, "compression": '
    '"application/x-gzip"}, "properties": {"correlation_id": '
    '"55555555-2222-3333-4444-555555555555", "reply_to": '
    '"0e9d1520-c6d5-3bd5-bbd9-e8718f476639", "delivery_mode": 2, "delivery_info": {"exchange": '
    '"", "routing_key": "notifications"}, "priority": 0, "body_encoding": "base64", '
    '"delivery_tag": "8eefd8ed-fcb4-44cb-82eb-dc0537ef55ae"}}'
)

# The first of `notify_friends.s("a") | notify_friends.s("b")`.
CHAINED = (
    '{"body": "W1siYSJdLCB7fSwgeyJjYWxsYmFja3MiOiBudWxsLCAiZXJyYmFja3MiOiBudWxsLCAiY2hhaW4iOiBb'
    "eyJ0YXNrIjogIm5vdGlmeV9mcmllbmRzIiwgImFyZ3MiOiBbImIiXSwgImt3YXJncyI6IHt9LCAib3B0aW9ucyI6IH"
    "sidGFza19pZCI6ICI3YTllMDY2My1mMjE3LTQyYmMtYmFkMi03NDI1ODdmMzgyMGUiLCAicmVwbHlfdG8iOiAiMGU5"
    "ZDE1MjAtYzZkNS0zYmQ1LWJiZDktZTg3MThmNDc2NjM5In0sICJzdWJ0YXNrX3R5cGUiOiBudWxsLCAiaW1tdXRhYm"
    'xlIjogZmFsc2V9XSwgImNob3JkIjogbnVsbH1d", "content-encoding": "utf-8", "content-type": '
    '"application/json", "headers": {"lang": "py", "task": "notify_friends", "id": '
    '"b0248fca-2fda-4908-b529-440f955db55f", "shadow": null, "eta": null, "expires": null, '
    '"group": null, "group_index": null, "retries": 0, "timelimit": [null, null], "root_id": '
    '"b0248fca-2fda-4908-b529-440f955db55f", "parent_id": null, "argsrepr": "(\'a\',)", '
    '"kwargsrepr": "{}", "origin": "gen1@host", "ignore_result": false, '
    '"replaced_task_nesting": 0, "stamped_headers": null, "stamps": {}}, "properties": '
    '{"correlation_id": "b0248fca-2fda-4908-b529-440f955db55f", "reply_to": '
    '"0e9d1520-c6d5-3bd5-bbd9-e8718f476639", "delivery_mode": 2, "delivery_info": {"exchange": '
    '"", "routing_key": "notifications"}, "priority": 0, "body_encoding": "base64", '
    '"delivery_tag": "a27f3633-9b76-4fdf-8ce1-f4604bdbfcb1"}}'
)

# With `task_protocol = 1`, a header of the caller's, a time limit of 30 s and a link.
PROTOCOL_1 = (
    '{"body": "eyJ0YXNrIjogIm5vdGlmeV9mcmllbmRzIiwgImlkIjogIjY2NjY2NjY2LTIyMjItMzMzMy00NDQ0LTU1NTU1'
    "NTU1NTU1NSIsICJhcmdzIjogWyI4MCIsICJuMSJdLCAia3dhcmdzIjogeyJiIjogMX0sICJncm91cCI6IG51bGwsICJncm"
    "91cF9pbmRleCI6IG51bGwsICJyZXRyaWVzIjogMCwgImV0YSI6IG51bGwsICJleHBpcmVzIjogbnVsbCwgInV0YyI6IHRy"
    "dWUsICJjYWxsYmFja3MiOiBbeyJ0YXNrIjogIm5vdGlmeV9mcmllbmRzIiwgImFyZ3MiOiBbIm5leHQiXSwgImt3YXJncy"
    "I6IHt9LCAib3B0aW9ucyI6IHt9LCAic3VidGFza190eXBlIjogbnVsbCwgImltbXV0YWJsZSI6IHRydWV9XSwgImVycmJh"
    "Y2tzIjogbnVsbCwgInRpbWVsaW1pdCI6IFszMCwgbnVsbF0sICJ0YXNrc2V0IjogbnVsbCwgImNob3JkIjogbnVsbH0="
    '", "content-encoding": "utf-8", "content-type": "application/json", "headers": {"tenant": '
    '"t1"}, "properties": {"correlation_id": "66666666-2222-3333-4444-555555555555", "reply_to": '
    '"3a2a0462-b8c8-3093-84d0-153e9cac0132", "delivery_mode": 2, "delivery_info": {"exchange": "", '
    '"routing_key": "notifications"}, "priority": 0, "body_encoding": "base64", "delivery_tag": '
    '"22f2a5a5-16d8-4eae-afb7-31aeb9e577d0"}}'
)


def base64_of(text: str) -> str:
    """Return the whole envelope in base64, which is kombu's default on SQS."""
    return base64.b64encode(text.encode()).decode()


def changed(text: str, **changes: Any) -> str:
    """Return the message with changes, each `part__field=value`, e.g. `headers__eta="soon"`."""
    envelope = json.loads(text)
    for path, value in changes.items():
        *parts, last = path.split("__")
        target = envelope
        for part in parts:
            target = target[part]
        target[last] = value
    return json.dumps(envelope)


def with_content(text: str, content: Any) -> str:
    """Return the message with another `[args, kwargs, embed]`."""
    return changed(text, body=base64_of(json.dumps(content)))
