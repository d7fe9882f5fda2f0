"""The rows of schedules: one contract for the table, on both engines, and for the fake."""

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from taskqueue.beat.row import BrokenRow, Row
from taskqueue.beat.schedule import Misfire, Schedule, Sending
from taskqueue.beat.store import DynamoScheduleStore
from taskqueue.beat.tick import ScheduleRows
from taskqueue.beat.timing import Crontab, Interval
from taskqueue.errors import Throttled
from tests.contract.conftest import ENGINES
from tests.support.dynamodb_tables import create_table
from tests.unit.beat.memory_rows import MemoryScheduleRows

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

NOW_MS = 1_790_000_000_000
BOOKS = Schedule("books", "select_populate_book", Interval(100))
REPORT = Schedule(
    "report",
    "report",
    Crontab("30 7 * * 1", "Europe/London"),
    ("80", 1.5, None),
    {"länge": [1]},
    Misfire.ALL,
    paused=True,
    sending=Sending("orders", 30.5, 5),
)
FULL = Row(
    REPORT,
    NOW_MS,
    declared=True,
    changed=True,
    removed=True,
    sent=7,
    last_ms=NOW_MS - 1,
    ahead=(NOW_MS + 1, NOW_MS + 2),
    app="shop",
)


@pytest.fixture(params=["memory", *ENGINES])
def rows(request: pytest.FixtureRequest) -> ScheduleRows:
    if request.param == "memory":
        return MemoryScheduleRows()
    return table(request.getfixturevalue(f"{request.param}_dynamodb"))


@pytest.fixture
def store(dynamodb: "DynamoDBClient") -> DynamoScheduleStore:
    return table(dynamodb)


def table(client: "DynamoDBClient") -> DynamoScheduleStore:
    return DynamoScheduleStore(client, create_table(client, "name"))


@pytest.mark.parametrize("row", [Row(BOOKS, NOW_MS), FULL], ids=["new", "full"])
def test_a_row_is_read_as_it_was_saved(rows: ScheduleRows, row: Row) -> None:
    assert rows.save(row)
    assert list(rows.list()) == [replace(row, version=1)]


def test_of_two_writers_one_is_refused(rows: ScheduleRows) -> None:
    rows.save(Row(BOOKS, NOW_MS))
    assert not rows.save(Row(BOOKS, NOW_MS + 1))
    (row,) = rows.list()
    assert isinstance(row, Row)
    assert rows.save(replace(row, cursor_ms=NOW_MS + 2))
    assert not rows.save(replace(row, cursor_ms=NOW_MS + 3))
    assert list(rows.list()) == [replace(row, cursor_ms=NOW_MS + 2, version=2)]


@pytest.mark.parametrize("kind", ["memory", "ministack"])
def test_progress_of_many_is_written_where_no_other_has_written(
    request: pytest.FixtureRequest, kind: str
) -> None:
    # moto's PartiQL takes no notice of conditions.
    in_memory = kind == "memory"
    rows: ScheduleRows = (
        MemoryScheduleRows() if in_memory else table(request.getfixturevalue("ministack_dynamodb"))
    )
    saved = [Row(replace(REPORT, name=f"s{number:02}"), NOW_MS) for number in range(30)]
    for row in saved:
        rows.save(row)
    rows.save(replace(saved[3], version=1, cursor_ms=NOW_MS - 1))
    moved = [
        replace(
            row, version=1, cursor_ms=NOW_MS + 9, sent=number, last_ms=NOW_MS, ahead=(NOW_MS + 5,)
        )
        for number, row in enumerate(saved)
    ]
    gone = Row(BOOKS, NOW_MS, version=1)
    written = rows.save_progress([*moved, gone])
    assert list(written) == [*(number != 3 for number in range(30)), False]
    expected = [replace(row, version=2) for row in moved]
    expected[3] = replace(saved[3], version=2, cursor_ms=NOW_MS - 1)
    assert list(rows.list()) == expected


def test_a_row_that_was_deleted_is_not_written_back(rows: ScheduleRows) -> None:
    rows.save(Row(BOOKS, NOW_MS))
    rows.delete("books")
    rows.delete("books")
    assert not rows.save(Row(BOOKS, NOW_MS, version=1))
    assert list(rows.list()) == []


def test_one_row_is_read_by_its_name(store: DynamoScheduleStore) -> None:
    store.save(FULL)
    assert store.get("report") == replace(FULL, version=1)
    assert store.get("other") is None


def test_more_rows_than_a_page_are_listed(store: DynamoScheduleStore) -> None:
    for number in range(15):
        padded = replace(BOOKS, name=f"s{number:02}", args=("x" * 99_000,))
        store.save(Row(padded, NOW_MS))
    names = [row.schedule.name for row in store.list() if isinstance(row, Row)]
    assert names == [f"s{number:02}" for number in range(15)]


def test_pages_have_each_row_once_also_when_the_row_that_one_ends_with_is_gone(
    store: DynamoScheduleStore,
) -> None:
    names = {f"s{number}" for number in range(10)}
    for name in names:
        store.save(Row(replace(BOOKS, name=name), NOW_MS))
    listed: list[str] = []
    after = None
    while True:
        page = store.page(3, after)
        assert len(page.rows) <= 3
        listed += [row.schedule.name for row in page.rows if isinstance(row, Row)]
        if page.next_name is None:
            break
        after = page.next_name
        store.delete(after)
    assert sorted(listed) == sorted(names)


@pytest.mark.parametrize(
    "broken", ["not json", "[]", "{}", '{"task": "t", "crontab": "x"}', "[" * 100_000]
)
def test_a_broken_row_is_listed_as_such_beside_the_others(
    dynamodb: "DynamoDBClient", broken: str
) -> None:
    name = create_table(dynamodb, "name")
    store = DynamoScheduleStore(dynamodb, name)
    store.save(Row(BOOKS, NOW_MS))
    dynamodb.put_item(
        TableName=name, Item={"name": {"S": "bad"}, "definition": {"S": broken}, "ahead": {"L": []}}
    )
    bad, good = store.list()
    assert isinstance(bad, BrokenRow)
    assert (bad.name, good) == ("bad", Row(BOOKS, NOW_MS, version=1))


def test_the_api_adds_and_changes(store: DynamoScheduleStore) -> None:
    store.put(BOOKS, NOW_MS)
    assert store.get("books") == Row(BOOKS, NOW_MS, version=1)
    slower = replace(BOOKS, timing=Interval(200))
    store.put(slower, NOW_MS + 5)
    assert store.get("books") == Row(slower, NOW_MS + 5, changed=True, version=2)


def test_the_api_mends_a_broken_row(dynamodb: "DynamoDBClient") -> None:
    name = create_table(dynamodb, "name")
    dynamodb.put_item(TableName=name, Item={"name": {"S": "books"}})
    store = DynamoScheduleStore(dynamodb, name)
    store.put(BOOKS, NOW_MS)
    assert store.get("books") == Row(BOOKS, NOW_MS, version=1)


def test_the_api_removes(store: DynamoScheduleStore) -> None:
    store.put(BOOKS, NOW_MS)
    assert store.remove("books")
    assert store.get("books") is None
    assert not store.remove("books")


def test_what_stands_in_code_is_remembered_as_removed(store: DynamoScheduleStore) -> None:
    store.save(Row(BOOKS, NOW_MS, declared=True))
    assert store.remove("books")
    row = store.get("books")
    assert isinstance(row, Row)
    assert row.removed
    assert not store.remove("books")
    store.put(BOOKS, NOW_MS + 9)
    row = store.get("books")
    assert isinstance(row, Row)
    assert (row.removed, row.cursor_ms) == (False, NOW_MS + 9)


def test_a_row_that_others_keep_writing_is_given_up(dynamodb: "DynamoDBClient") -> None:
    store = Contended(dynamodb, create_table(dynamodb, "name"))
    with pytest.raises(Throttled):
        store.put(BOOKS, NOW_MS)
    DynamoScheduleStore.save(store, Row(BOOKS, NOW_MS, declared=True))
    with pytest.raises(Throttled):
        store.remove("books")


class Contended(DynamoScheduleStore):
    """A table in which another writer always comes first."""

    def save(self, row: Row) -> bool:
        return False
