"""The bulk loader, on moto."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from moto import mock_aws

from social.friends import FriendStore
from taskqueue.errors import StoreError, Throttled
from tests.support.dynamodb_tables import FRIENDS, create_table
from tools.data import load_friends, loading
from tools.data.edge_list import read_edge_list
from tools.data.load_friends import EDGES_AT_ONCE, Progress, load, main
from tools.data.loading import WAITS_SECONDS
from tools.demo.friend_graph import HUB, friend_graph, write_edges
from tools.errors import ToolError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

EDGES = friend_graph(users=150, hub_friends=149)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> "Iterator[DynamoDBClient]":
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        yield boto3.client("dynamodb")


@pytest.fixture
def table(client: "DynamoDBClient") -> str:
    return create_table(client, *FRIENDS)


@pytest.fixture
def friends(client: "DynamoDBClient", table: str) -> FriendStore:
    return FriendStore(client, table)


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(load_friends, "LOCAL", tmp_path / "local")
    path = tmp_path / "edges.csv"
    write_edges(path, EDGES)
    return path


def all_friends(client: "DynamoDBClient", table: str) -> set[tuple[str, str]]:
    pages = client.get_paginator("scan").paginate(TableName=table)
    return {
        (item["user_id"]["S"], item["friend_id"]["S"]) for page in pages for item in page["Items"]
    }


def both_ways(edges: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    return {*edges, *((friend, user) for user, friend in edges)}


def test_every_friendship_is_loaded_in_both_directions(
    client: "DynamoDBClient", table: str, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main([str(path), "--table", table])

    assert all_friends(client, table) == both_ways(EDGES)
    told = capsys.readouterr()
    assert f"{len(EDGES):,} friendships" in told.out
    assert told.err == ""


def test_loading_again_changes_nothing_and_leaves_no_note(
    client: "DynamoDBClient", table: str, path: Path, tmp_path: Path
) -> None:
    main([str(path), "--table", table])
    main([str(path), "--table", table])

    assert all_friends(client, table) == both_ways(EDGES)
    assert list((tmp_path / "local" / "load_friends").iterdir()) == []


@pytest.fixture
def stacks(client: "DynamoDBClient", monkeypatch: pytest.MonkeyPatch) -> Iterator[Stubber]:
    """Stands for CloudFormation, which moto knows only with libraries that nothing else needs."""
    cloudformation = boto3.client("cloudformation")
    clients = {"dynamodb": client, "cloudformation": cloudformation}
    monkeypatch.setattr(loading, "client", clients.__getitem__)
    with Stubber(cloudformation) as stubber:
        yield stubber


def stack_with(outputs: dict[str, str]) -> dict[str, Any]:
    stack = {
        "StackName": "social",
        "CreationTime": datetime.now(UTC),
        "StackStatus": "CREATE_COMPLETE",
        "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()],
    }
    return {"Stacks": [stack]}


def test_the_table_is_that_of_the_stack(
    client: "DynamoDBClient", stacks: Stubber, table: str, path: Path
) -> None:
    answer = stack_with({"NewsTable": "news", "FriendsTable": table})
    stacks.add_response("describe_stacks", answer, {"StackName": "social"})

    main([str(path), "--stack", "social"])

    assert all_friends(client, table) == both_ways(EDGES)


def test_a_stack_without_a_table_of_friends_is_one_sentence(stacks: Stubber, path: Path) -> None:
    stacks.add_response("describe_stacks", stack_with({"NewsTable": "news"}))

    with pytest.raises(ToolError, match="the stack social has no output FriendsTable"):
        main([str(path), "--stack", "social"])


def test_a_missing_stack_is_one_sentence(stacks: Stubber, path: Path) -> None:
    stacks.add_client_error("describe_stacks", "ValidationError", "social does not exist")

    with pytest.raises(ToolError, match=r"the stack social cannot be read: .*does not exist"):
        main([str(path), "--stack", "social"])


class _Interrupted(Exception):
    pass


class Recorder(FriendStore):
    """Notes what is put; fails at the call that `errors` names."""

    def __init__(self, errors: dict[int, Exception]) -> None:
        self.put: list[tuple[str, str]] = []
        self.calls = 0
        self._errors = errors

    def put_many(self, pairs: object) -> None:
        self.calls += 1
        error = self._errors.get(self.calls)
        if error:
            raise error
        assert isinstance(pairs, tuple)
        self.put.extend(pairs)


@pytest.fixture
def long_path(tmp_path: Path) -> Path:
    path = tmp_path / "long.csv"
    write_edges(path, [(HUB, f"f{number:05}") for number in range(5 * EDGES_AT_ONCE + 7)])
    return path


def progress_of(tmp_path: Path, path: Path, table_id: str = "table") -> Progress:
    return Progress.of(read_edge_list(path), table_id, tmp_path / "local")


def test_what_was_interrupted_goes_on_where_it_was(tmp_path: Path, long_path: Path) -> None:
    edges = read_edge_list(long_path)
    first = Recorder({4: _Interrupted()})
    with pytest.raises(_Interrupted):
        load(edges, first, progress_of(tmp_path, long_path))
    assert progress_of(tmp_path, long_path).load() == 3 * EDGES_AT_ONCE

    second = Recorder({})
    load(edges, second, progress_of(tmp_path, long_path))

    assert first.put + second.put == list(edges.edges())
    assert progress_of(tmp_path, long_path).load() == 0


def test_another_file_or_another_table_begins_anew(tmp_path: Path, long_path: Path) -> None:
    progress_of(tmp_path, long_path).save(1_000)

    assert progress_of(tmp_path, long_path).load() == 1_000
    assert progress_of(tmp_path, long_path, "another").load() == 0
    long_path.write_text(long_path.read_text() + "1,2\n")
    assert progress_of(tmp_path, long_path).load() == 0


@pytest.mark.parametrize("content", ["", "x", "[]", "1.5"])
def test_a_damaged_note_is_no_note(tmp_path: Path, long_path: Path, content: str) -> None:
    progress = progress_of(tmp_path, long_path)
    progress.save(500)
    progress.path.write_text(content)

    assert progress.load() == 0


def test_a_throttled_table_is_given_time(tmp_path: Path, long_path: Path) -> None:
    edges = read_edge_list(long_path)
    slept: list[float] = []
    store = Recorder({1: Throttled(), 2: Throttled(), 4: Throttled()})

    load(edges, store, progress_of(tmp_path, long_path), sleep=slept.append)

    assert slept == [1, 2, 1]
    assert store.put == list(edges.edges())


@pytest.mark.parametrize(
    ("errors", "sentence"),
    [
        ({n: Throttled() for n in range(99)}, "the table goes on throttling; start again later"),
        ({2: StoreError("no answer")}, "no answer; start again to go on"),
    ],
)
def test_a_table_that_refuses_is_one_sentence(
    tmp_path: Path, long_path: Path, errors: dict[int, Exception], sentence: str
) -> None:
    slept: list[float] = []

    with pytest.raises(ToolError, match=sentence):
        load(
            read_edge_list(long_path),
            Recorder(errors),
            progress_of(tmp_path, long_path),
            sleep=slept.append,
        )

    assert len(slept) <= len(WAITS_SECONDS)


def test_a_wrong_row_writes_nothing(client: "DynamoDBClient", table: str, path: Path) -> None:
    path.write_text("user_id,friend_id\n1,2\n1,1\n")

    with pytest.raises(ToolError, match="line 3, column friend_id"):
        main([str(path), "--table", table])

    assert all_friends(client, table) == set()


@pytest.mark.usefixtures("client")
def test_a_missing_table_is_one_sentence(path: Path) -> None:
    with pytest.raises(ToolError, match=r"the table missing cannot be read: .*ResourceNotFound"):
        main([str(path), "--table", "missing"])


def test_without_a_region_it_says_so(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ToolError, match="You must specify a region"):
        main([str(path), "--table", "friends"])
