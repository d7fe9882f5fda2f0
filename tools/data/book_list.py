"""Books in a CSV file: a header with at least book_id, title and authors, then a book each row."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from books.ranking import BookInfo
from books.views import MAX_BOOK_LENGTH, is_book
from tools.errors import ToolError

COLUMNS = ("book_id", "title", "authors")
# An item of DynamoDB holds 400 KB; a reader wants less.
MAX_TEXT_LENGTH = 2_000
# Enough to see what is wrong; a file of another kind is wrong in every row.
MAX_SHOWN = 10


@dataclass(frozen=True)
class Row:
    """One book of the file; `weight` is what the column of weights says, 0 without one."""

    book: str
    info: BookInfo
    weight: float


def read_books(path: Path, weight: str | None = None) -> list[Row]:
    """Read the file and check every row; `weight` names a column of numbers from 0 up.

    Raises:
        ToolError: the file cannot be read, or rows are wrong; names the lines of the first.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return _rows(path, file, weight)
    except OSError as error:
        raise ToolError(f"{path} cannot be read: {error.strerror}") from None
    except (UnicodeDecodeError, csv.Error):
        raise ToolError(f"{path} is not a CSV file in UTF-8") from None


def _rows(path: Path, file: TextIO, weight: str | None) -> list[Row]:
    reader = csv.DictReader(file, strict=True)
    wanted = (*COLUMNS, weight) if weight else COLUMNS
    lacking = [column for column in wanted if column not in (reader.fieldnames or ())]
    if lacking:
        raise ToolError(f"{path}, line 1: the header lacks {', '.join(lacking)}")
    rows: dict[str, Row] = {}
    wrong: list[str] = []
    for fields in reader:
        problem = _problem(fields, weight) or (
            "the book stands in the file twice" if fields["book_id"] in rows else None
        )
        if problem:
            wrong.append(f"{path}, line {reader.line_num}: {problem}")
            if len(wrong) == MAX_SHOWN:
                break
            continue
        info = BookInfo(fields["title"], fields["authors"])
        rows[fields["book_id"]] = Row(
            fields["book_id"], info, float(fields[weight]) if weight else 0
        )
    if wrong:
        raise ToolError("\n".join(wrong))
    if not rows:
        raise ToolError(f"{path} has no books")
    return list(rows.values())


def _problem(fields: dict[str, str], weight: str | None) -> str | None:
    if None in fields or None in fields.values():
        return "the row has not as many fields as the header"
    if not is_book(fields["book_id"]):
        return f"book_id must be 1 to {MAX_BOOK_LENGTH} of the characters A-Z a-z 0-9 . _ ~ @ : -"
    for column in ("title", "authors"):
        if len(fields[column]) > MAX_TEXT_LENGTH:
            return f"{column} is longer than {MAX_TEXT_LENGTH} characters"
    if weight and not _is_weight(fields[weight]):
        return f"{weight} must be a number from 0 up"
    return None


def _is_weight(text: str) -> bool:
    try:
        return 0 <= float(text) < float("inf")
    except ValueError:
        return False
