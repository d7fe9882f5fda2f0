"""Takes views of books."""

import uuid
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api import replies
from api.fields import PathKey
from api.problems import FieldError, bad_fields
from api.replies import Reply
from api.routing import Router
from api.times import milliseconds
from books import stores
from books.tasks import count_views
from books.views import MAX_BOOK_LENGTH, MAX_VIEWS, View, is_book, pairs, refusal
from functions.producer import observing
from functions.producer.models import Time
from taskqueue import clock
from taskqueue.lambdas import wiring
from taskqueue.message import Message

router = Router()


class BookView(BaseModel):
    """`POST /books/{book}/views`. `at`: the view's own time in ISO 8601; now, if it has none."""

    model_config = ConfigDict(extra="forbid", strict=True)

    at: Time | None = None


class OneOfViews(BookView):
    """One of several views."""

    book: str


class Views(BaseModel):
    """`POST /views`."""

    model_config = ConfigDict(extra="forbid", strict=True)

    views: Annotated[list[OneOfViews], Field(min_length=1, max_length=MAX_VIEWS)]


@router.post("/books/<book>/views")
def post_view(book: PathKey, view: BookView | None = None) -> Reply:
    """Count one view of a book."""
    at = view.at if view else None
    return _take([OneOfViews(book=book, at=at)], [("book", "at")])


@router.post("/views")
def post_views(body: Views) -> Reply:
    """Count up to 1,000 views; all of them, or none when one is refused."""
    places = [(f"views.{index}.book", f"views.{index}.at") for index in range(len(body.views))]
    return _take(body.views, places)


def _take(asked: list[OneOfViews], places: list[tuple[str, str]]) -> Reply:
    """Send the views in one message; `places` name the fields of each for its caller."""
    now_ms = clock.now_ms()
    views: list[View] = []
    errors: list[FieldError] = []
    for one, place in zip(asked, places, strict=True):
        view = _view(one, place, now_ms)
        if isinstance(view, View):
            views.append(view)
        else:
            errors.append(view)
    if errors:
        raise bad_fields(errors)
    message = _message(views)
    wiring.sender().send_unrecorded([message], now_ms)
    observing.logger.info("views sent", extra={"task_id": message.id, "views": len(views)})
    return replies.accepted({"views": len(views)})


def _view(asked: OneOfViews, place: tuple[str, str], now_ms: int) -> View | FieldError:
    book_field, at_field = place
    if not is_book(asked.book):
        allowed = f"must be 1 to {MAX_BOOK_LENGTH} of the characters A-Z a-z 0-9 . _ ~ @ : -"
        return FieldError(book_field, allowed)
    try:
        at_ms = now_ms if asked.at is None else milliseconds(asked.at)
    except ValueError as error:
        return FieldError(at_field, str(error))
    reason = refusal(at_ms, now_ms, stores.settings().window_minutes)
    return FieldError(at_field, reason) if reason else View(asked.book, at_ms)


def _message(views: list[View]) -> Message:
    args: tuple[Any, ...] = (pairs(views),)
    return Message(
        task=count_views.name,
        id=str(uuid.uuid4()),
        args=args,
        queue=count_views.queue,
        ignore_result=True,
    )
