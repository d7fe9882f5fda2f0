"""Schedules' rows in memory; the contract suite holds it to what the table does."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from taskqueue.beat.row import BrokenRow, Row


@dataclass
class MemoryScheduleRows:
    rows: dict[str, Row] = field(default_factory=dict)
    broken: list[BrokenRow] = field(default_factory=list)

    def list(self) -> "list[Row | BrokenRow]":
        return [*self.rows.values(), *self.broken]

    def get(self, name: str) -> Row | None:
        return self.rows.get(name)

    def save(self, row: Row) -> bool:
        name = row.schedule.name
        stored = self.rows.get(name)
        if (stored.version if stored else 0) != row.version:
            return False
        self.rows[name] = replace(row, version=row.version + 1)
        return True

    def save_progress(self, rows: Sequence[Row]) -> Sequence[bool]:
        return [self.save(row) for row in rows]

    def delete(self, name: str) -> None:
        self.rows.pop(name, None)
