"""How it stands with the parts of a fan-out, in memory."""

from dataclasses import dataclass

from social.notifying import NewsReader
from social.part_state import PartState
from taskqueue.groups.part import Part
from taskqueue.records.store import TaskStore


@dataclass
class MemoryParts:
    """Reads what `PartReader` reads in one request."""

    news: NewsReader
    store: TaskStore

    def read(self, news_id: str, part: Part) -> PartState:
        (shard,) = self.store.shards(part.whole_id, [part.shard])
        record = self.store.get(part.whole_id)
        return PartState(self.news.get(news_id), record, shard.has_done(part))
