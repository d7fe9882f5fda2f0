"""How it stands with a part of a fan-out: its news, its task, whether it is done. One request."""

from typing import TYPE_CHECKING, NamedTuple

from social.news import News, NewsStore, read_news
from taskqueue import clock
from taskqueue.aws.batch_items import look_up
from taskqueue.groups.part import Part
from taskqueue.groups.shard_item import read_shard
from taskqueue.records.dynamodb import DynamoTaskStore
from taskqueue.records.item import has_expired, read_record
from taskqueue.records.record import TaskRecord

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


class PartState(NamedTuple):
    """`news` and `record`, that of the fan-out's task, are None where there are none any more."""

    news: News | None
    record: TaskRecord | None
    is_done: bool


class PartReader:
    """Reads the tables of news and of records, consistently."""

    def __init__(self, client: "DynamoDBClient", news: NewsStore, tasks: DynamoTaskStore) -> None:
        self._client = client
        self._news = news
        self._tasks = tasks

    def read(self, news_id: str, part: Part) -> PartState:
        """Return how it stands with a part of the fan-out of this news.

        Raises:
            StoreError, Throttled: the request failed.
        """
        lookups = [
            self._news.lookup(news_id),
            self._tasks.lookup(part.whole_id),
            self._tasks.shard_lookup(part),
        ]
        now_ms = clock.now_ms()
        news, record, shard = (
            {} if has_expired(item, now_ms) else item for item in look_up(self._client, lookups)
        )
        return PartState(
            news=read_news(news) if news else None,
            record=read_record(part.whole_id, record) if record else None,
            is_done=read_shard(part.shard, shard).has_done(part),
        )
