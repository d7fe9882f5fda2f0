"""Reads rankings of the hottest books."""

import json
import zlib
from http import HTTPStatus
from typing import Annotated

from aws_lambda_powertools.event_handler import Response, content_types
from aws_lambda_powertools.event_handler.openapi.params import Query

from api.problems import bad_field, not_found
from api.replies import Reply
from api.routing import Router
from api.times import MAX_TIME_LENGTH, milliseconds
from books import stores
from books.ranking import Ranking, as_json
from taskqueue import clock

router = Router()


@router.get("/books/top")
def get_top(at: Annotated[str | None, Query(max_length=MAX_TIME_LENGTH)] = None) -> Reply:
    """Return the ranking that is stored, or the one that was the latest at an earlier time."""
    store = stores.rankings()
    now_ms = clock.now_ms()
    ranking = store.latest() if at is None else store.at(_milliseconds(at), now_ms=now_ms)
    if ranking is None:
        raise not_found("There is no ranking of that time." if at else "There is no ranking yet.")
    body = json.dumps(as_json(ranking), separators=(",", ":"))
    headers = {
        "ETag": f'"{ranking.computed_at_ms:x}-{zlib.crc32(body.encode()):08x}"',
        "Cache-Control": f"max-age={_fresh_seconds(ranking, now_ms)}",
    }
    if headers["ETag"] in _known_etags():
        return Response(status_code=HTTPStatus.NOT_MODIFIED.value, headers=dict(headers))
    return Response(
        status_code=HTTPStatus.OK.value,
        content_type=content_types.APPLICATION_JSON,
        body=body,
        headers=dict(headers),
    )


def _fresh_seconds(ranking: Ranking, now_ms: int) -> int:
    """Return how long it will be until the next ranking."""
    period_seconds = stores.settings().period_seconds
    age_seconds = (now_ms - ranking.computed_at_ms) // 1000
    return min(max(period_seconds - age_seconds, 0), period_seconds)


def _known_etags() -> list[str]:
    """Return the entity tags of the request's `If-None-Match`; weak ones compare as strong."""
    given = router.current_event.headers.get("If-None-Match") or ""
    return [tag.strip().removeprefix("W/") for tag in given.split(",")]


def _milliseconds(text: str) -> int:
    try:
        at_ms = milliseconds(text)
    except ValueError as error:
        raise bad_field("at", str(error)) from None
    if at_ms < 0:
        raise bad_field("at", "is before all rankings")
    return at_ms
