"""Celery's messages, read and written."""

import base64
import contextlib
import dataclasses
import json
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskqueue.errors import MessageTooLarge, PoisonMessage, WrongArguments
from taskqueue.groups.part import Part
from taskqueue.message import (
    AFTER,
    DEPTH,
    MAX_BYTES,
    MAX_DECOMPRESSED_BYTES,
    MAX_ID_LENGTH,
    TURN,
    Message,
    decode,
    encode,
    envelope_of,
    sent_again,
)
from tests.unit.taskqueue.kombu_messages import (
    CHAINED,
    COMPRESSED,
    PICKLED,
    PLAIN,
    PROTOCOL_1,
    TIMED,
    base64_of,
    changed,
    with_content,
)

# The body of a message of protocol 1.
V1: dict[str, Any] = {"task": "notify_friends", "id": "v1", "args": ["80"], "kwargs": {}}


def zipped(text: str) -> str:
    """Return a text as kombu writes it compressed."""
    return base64.b64encode(zlib.compress(text.encode())).decode()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=MAX_ID_LENGTH)
# Years 1970 to 9999: what an ISO 8601 time with four digits holds.
times_ms = st.none() | st.integers(0, 253_402_300_799_000)
messages = st.builds(
    Message,
    task=names,
    id=names,
    args=st.lists(json_values, max_size=4),
    kwargs=st.dictionaries(st.text(), json_values, max_size=4),
    queue=st.text(),
    eta_ms=times_ms,
    expires_at_ms=times_ms,
    time_limit_seconds=st.none() | st.floats(0.001, 900),
    retries=st.integers(0, 1000),
    ignore_result=st.booleans(),
    root_id=names,
    parent_id=st.none() | names,
)


@given(messages)
def test_what_is_encoded_is_decoded_again(message: Message) -> None:
    assert decode(encode(message)) == message


@given(messages)
def test_both_spellings_say_the_same(message: Message) -> None:
    assert decode(base64_of(encode(message))) == message


@pytest.mark.parametrize("spelling", [str, base64_of], ids=["plain", "base64"])
def test_a_stock_client_s_message(spelling: Any) -> None:
    assert decode(spelling(PLAIN)) == Message(
        task="notify_friends",
        id="11111111-2222-3333-4444-555555555555",
        args=["80", "n1"],
        kwargs={"b": {"x": ["é", 1.5, None, True]}},
        queue="notifications",
        root_id="11111111-2222-3333-4444-555555555555",
        publish="16f6aea8-ebb4-4f78-8bcb-3bf5f62c32d0",
        is_own=False,
    )


@pytest.mark.parametrize("spelling", [str, base64_of], ids=["plain", "base64"])
def test_a_stock_client_s_message_with_times_and_limits(spelling: Any) -> None:
    message = decode(spelling(TIMED))
    assert message.eta_ms == 1_795_370_400_250
    assert message.expires_at_ms == 1_795_374_000_000
    assert message.time_limit_seconds == 30
    assert message.ignore_result
    assert (message.root_id, message.parent_id) == ("r", "p")


@pytest.mark.parametrize("spelling", [str, base64_of], ids=["plain", "base64"])
def test_a_message_of_protocol_1(spelling: Any) -> None:
    message = decode(spelling(PROTOCOL_1))
    assert message.embed.keys() == {"callbacks"}
    assert dataclasses.replace(message, embed={}) == Message(
        task="notify_friends",
        id="66666666-2222-3333-4444-555555555555",
        args=["80", "n1"],
        kwargs={"b": 1},
        queue="notifications",
        time_limit_seconds=30,
        publish="22f2a5a5-16d8-4eae-afb7-31aeb9e577d0",
        is_own=False,
        headers={"tenant": "t1"},
    )


def test_a_message_of_protocol_1_is_compressed_or_counts_its_retries() -> None:
    zipped_body = zipped(json.dumps({**V1, "retries": 2, "taskset": "g"}))
    body = changed(PROTOCOL_1, body=zipped_body, headers={"compression": "application/x-gzip"})
    message = decode(body)
    assert (message.args, message.retries, message.turn) == (["80"], 2, 2)
    assert envelope_of(body)["headers"]["group"] == "g"


def test_a_message_of_protocol_1_goes_on_as_one_of_protocol_2() -> None:
    again = sent_again(PROTOCOL_1, turn=1, after=1, retries=1, eta="2026-11-22T18:00:00+00:00")
    message, before = decode(again), decode(PROTOCOL_1)
    assert (message.turn, message.after, message.retries) == (1, 1, 1)
    assert message.eta_ms == 1_795_370_400_000
    assert (message.args, message.kwargs, message.embed) == (
        before.args,
        before.kwargs,
        before.embed,
    )


def test_an_eta_without_a_zone_is_utc() -> None:
    message = decode(changed(TIMED, headers__eta="2026-11-22T18:00:00.250000"))
    assert message.eta_ms == 1_795_370_400_250


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("", "neither JSON nor base64"),
        ("hello world", "neither JSON nor base64"),
        ("{", "neither JSON nor base64"),
        ("[1]", "neither JSON nor base64"),
        (base64_of("[1]"), "not a JSON object"),
        (base64.b64encode(b"\xff\xfe").decode(), "neither JSON nor base64"),
        ("{}", "no Celery headers"),
        (changed(PLAIN, headers=[1]), "no Celery headers"),
        (changed(PLAIN, headers__task=None), "'task' and 'id'"),
        (changed(PLAIN, headers__id=""), "'task' and 'id'"),
        (changed(PLAIN, headers__id=7), "'task' and 'id'"),
        (changed(PLAIN, headers__id="x" * 256), "longer than 255"),
        (changed(PLAIN, headers__task="x" * 256), "longer than 255"),
        (changed(PLAIN, headers__id="\ud800"), "not Unicode"),
        (PICKLED, "'application/x-python-serialize' is refused"),
        (changed(PLAIN, **{"content-type": "application/x-yaml"}), "'application/x-yaml'"),
        (changed(PLAIN, **{"content-type": None}), "content type 'None'"),
        (changed(COMPRESSED, headers__compression="application/x-bz2"), "'application/x-bz2' is"),
        (changed(COMPRESSED, headers__compression=7), "compression '7' is refused"),
        (changed(COMPRESSED, body=base64_of("not so")), "cannot be decompressed"),
        (changed(COMPRESSED, body=zipped("[")[:-8]), "or are cut"),
        (changed(COMPRESSED, body=zipped(" " * (MAX_DECOMPRESSED_BYTES + 1))), "more than 1048"),
        (changed(PROTOCOL_1, body=base64_of("[1]")), "nor the body (1) name a task"),
        (changed(PROTOCOL_1, body=base64_of("{}")), "'task' and 'id'"),
        (changed(PROTOCOL_1, body=base64_of(json.dumps({**V1, "args": 7}))), "args must be a list"),
        (changed(PROTOCOL_1, **{"content-type": "application/x-python-serialize"}), "is refused"),
        (changed(PLAIN, body=None), "not text"),
        (changed(PLAIN, body="?"), "neither JSON nor base64"),
        (changed(PLAIN, body=base64_of("[")), "arguments are not JSON"),
        (with_content(PLAIN, {}), "[args, kwargs, embed]"),
        (with_content(PLAIN, [[]]), "[args, kwargs, embed]"),
        (with_content(PLAIN, [{}, {}, {}]), "args must be a list"),
        (with_content(PLAIN, [[], [], {}]), "kwargs an object"),
        (changed(PLAIN, headers__eta="tomorrow"), "'eta' is not an ISO 8601 time"),
        (changed(PLAIN, headers__eta=12), "'eta' is not an ISO 8601 time"),
        (changed(PLAIN, headers__expires="2026-13-01"), "'expires' is not an ISO 8601 time"),
        (changed(PLAIN, headers__taskqueue_turn=10**15 + 1), "'taskqueue_turn' is no count"),
        (changed(PLAIN, headers__taskqueue_turn=10**400), "'taskqueue_turn' is no count"),
        (changed(PLAIN, headers__taskqueue_turn=-1), "'taskqueue_turn' is no count"),
        (changed(PLAIN, headers__taskqueue_turn=True), "'taskqueue_turn' is no count"),
        (changed(PLAIN, headers__taskqueue_turn=1.0), "'taskqueue_turn' is no count"),
        (changed(PLAIN, headers__taskqueue_after="1"), "'taskqueue_after' is no count"),
        (changed(PLAIN, headers__taskqueue_depth=[]), "'taskqueue_depth' is no count"),
    ],
)  # fmt: skip
def test_what_is_no_celery_task_in_json_is_poison(body: str, reason: str) -> None:
    with pytest.raises(PoisonMessage) as caught:
        decode(body)
    assert reason in caught.value.reason


def test_compressed_arguments_are_read() -> None:
    message = decode(COMPRESSED)
    assert (message.args, message.kwargs) == (["80"], {})


def test_what_is_to_follow_a_task_is_kept() -> None:
    assert list(decode(CHAINED).embed) == ["chain"]
    assert decode(PLAIN).embed == {}
    embed = {"errbacks": [{"task": "tell"}]}
    assert decode(encode(Message("add", "i", embed=embed))).embed == embed


@pytest.mark.parametrize(
    ("retries", "replaced", "turn"),
    [(2, 0, 2), (0, 1, 1_000_000), (3, 2, 2_000_003), (0, 10**9, 10**15)],
)
def test_a_message_of_celery_s_says_its_turn_by_its_retries_and_replacements(
    retries: int, replaced: int, turn: int
) -> None:
    body = changed(PLAIN, headers__retries=retries, headers__replaced_task_nesting=replaced)
    assert decode(body).turn == turn


def test_poison_keeps_the_ids_that_could_be_read() -> None:
    with pytest.raises(PoisonMessage) as caught:
        decode(PICKLED)
    assert caught.value.task_id == "33333333-2222-3333-4444-555555555555"
    assert caught.value.task == "notify_friends"


@given(st.text() | st.binary().map(lambda data: base64.b64encode(data).decode()))
def test_any_text_is_a_message_or_poison(body: str) -> None:
    with contextlib.suppress(PoisonMessage):
        decode(body)


FIELDS = [
    "body",
    "content-type",
    "content-encoding",
    "properties",
    *(f"headers__{name}" for name in json.loads(PLAIN)["headers"]),
    *(f"headers__{name}" for name in (TURN, AFTER, DEPTH)),
    *(f"properties__{name}" for name in json.loads(PLAIN)["properties"]),
]
odd_numbers = st.sampled_from([float("nan"), float("inf"), -float("inf"), -1, 10**400, 1e308])
odd_values = json_values | odd_numbers | st.lists(odd_numbers, max_size=2)


V1_FIELDS = ["task", "id", "args", "kwargs", "retries", "eta", "expires", "taskset", "timelimit"]


@given(st.sampled_from([*V1_FIELDS, "callbacks", "errbacks", "chord", "headers"]), odd_values)
def test_any_value_in_any_field_of_protocol_1_is_a_message_or_poison(
    field: str, value: Any
) -> None:
    with contextlib.suppress(PoisonMessage):
        body = changed(PROTOCOL_1, body=base64_of(json.dumps({**V1, field: value})))
        assert decode(body) == decode(json.dumps(envelope_of(body)))


@given(st.sampled_from(FIELDS), odd_values)
def test_any_value_in_any_field_is_a_message_or_poison(field: str, value: Any) -> None:
    with contextlib.suppress(PoisonMessage):
        message = decode(changed(PLAIN, **{field: value}))
        assert message.retries >= 0
        assert message.time_limit_seconds is None or 0 <= message.time_limit_seconds < float("inf")


@given(odd_values)
def test_any_content_is_a_message_or_poison(content: Any) -> None:
    with contextlib.suppress(PoisonMessage):
        decode(with_content(PLAIN, content))


@pytest.mark.parametrize("depth", [100, 1_000, 10_000, 100_000])
def test_deep_nesting_is_a_message_or_poison(depth: int) -> None:
    deep = "[" * depth + "]" * depth
    for body in (deep, changed(PLAIN, body=base64_of(f"[{deep},{{}},{{}}]"))):
        with contextlib.suppress(PoisonMessage):
            assert decode(body).task == "notify_friends"


def test_the_largest_message_that_sqs_takes_and_one_byte_more() -> None:
    empty = len(encode(Message("t", "i", [""])))
    # Base64 of the arguments: three bytes become four.
    room = (MAX_BYTES - empty) // 4 * 3 - 3
    body = encode(Message("t", "i", ["x" * room]))
    assert MAX_BYTES - 8 <= len(body) <= MAX_BYTES
    with pytest.raises(MessageTooLarge):
        encode(Message("t", "i", ["x" * (room + 9)]))


@pytest.mark.parametrize("argument", [float("nan"), object(), {1, 2}, b"bytes"])
def test_arguments_that_json_cannot_say_are_refused(argument: Any) -> None:
    with pytest.raises(WrongArguments, match="argument 2 of t cannot be written as JSON"):
        encode(Message("t", "i", [1, argument]))


def test_the_written_message_can_be_read_in_the_console() -> None:
    body = json.loads(encode(Message("t", "i", ["a"], queue="q", eta_ms=0)))
    assert body["headers"]["task"] == "t"
    assert body["headers"]["eta"] == "1970-01-01T00:00:00+00:00"
    assert body["properties"]["delivery_info"]["routing_key"] == "q"
    assert json.loads(base64.b64decode(body["body"]))[0] == ["a"]


@pytest.mark.parametrize("part", [Part("w", 0), Part("w", 5, 6), Part("ä" * 255, 10**9 - 1)])
def test_a_message_says_which_part_of_a_group_it_is(part: Part) -> None:
    message = Message("t", "i", part=part)
    assert decode(encode(message)).part == part
    assert decode(sent_again(encode(message), turn=1, after=1, retries=1, eta=None)).part == part


@pytest.mark.parametrize(
    "content",
    [
        1,
        {},
        {"of": "w"},
        {"of": "", "index": 0},
        {"of": "w" * 256, "index": 0},
        {"of": "\ud800", "index": 0},
        {"of": "w", "index": -1},
        {"of": "w", "index": True},
        {"of": "w", "index": 1.0},
        {"of": "w", "index": 10**9},
        {"of": "w", "index": 2, "size": 2},
        {"of": "w", "index": 2, "size": "3"},
    ],
)
def test_what_names_no_part_is_poison(content: Any) -> None:
    with pytest.raises(PoisonMessage, match="names no part"):
        decode(encode(Message("t", "i", headers={"taskqueue_part": content})))
