"""Friendships in a CSV file: a header `user_id,friend_id`, then one friendship in each row."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from social.ids import InvalidId, check_id
from tools.errors import ToolError

HEADER = ("user_id", "friend_id")
# Enough to see what is wrong; a file of another kind is wrong in every row.
MAX_SHOWN = 10

Edge = tuple[str, str]


@dataclass(frozen=True)
class EdgeList:
    """A file that was read once, from its first row to its last, and found good.

    Attributes:
        path: of the file.
        rows: how many friendships it has.
        digest: hex SHA-256 of its content.
    """

    path: Path
    rows: int
    digest: str

    def edges(self) -> Iterator[Edge]:
        """Read the friendships again, one by one."""
        with self.path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            next(rows)
            yield from ((row[0], row[1]) for row in rows if row)


def read_edge_list(path: Path) -> EdgeList:
    """Read the file and check every row. A friendship may stand in it more than once.

    Raises:
        ToolError: the file cannot be read, or rows are wrong; names line and column of the first.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = _checked(path, file)
        with path.open("rb") as binary:
            digest = hashlib.file_digest(binary, "sha256").hexdigest()
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ToolError(f"{path} is not text in UTF-8") from None
    return EdgeList(path, rows, digest)


def _checked(path: Path, file: TextIO) -> int:
    """Return how many friendships there are."""
    reader = csv.reader(file, strict=True)
    wrong: list[str] = []
    rows = 0
    try:
        if tuple(next(reader, ())) != HEADER:
            wrong.append(f"{path}, line 1: the header must be {','.join(HEADER)}")
        for row in reader if not wrong else ():
            problem = _problem(row) if row else None
            if problem:
                wrong.append(f"{path}, line {reader.line_num}{problem}")
            rows += bool(row)
    except csv.Error as error:
        wrong.append(f"{path}, line {reader.line_num}: {error}")
    if wrong:
        more = len(wrong) - MAX_SHOWN
        raise ToolError("\n".join(wrong[:MAX_SHOWN] + [f"… and {more:,} more"] * (more > 0)))
    return rows


def _problem(row: list[str]) -> str | None:
    """Say what is wrong with a row, if anything is."""
    if len(row) != len(HEADER):
        return f": there must be {len(HEADER)} columns, and there are {len(row)}"
    for name, value in zip(HEADER, row, strict=True):
        try:
            check_id(value, name)
        except InvalidId as error:
            return f", column {name}: {str(error).removeprefix(f'{name} ')}"
    if row[0] == row[1]:
        return f", column {HEADER[1]}: nobody is their own friend"
    return None
