"""The tasks of the books application, and when they run."""

from typing import Any

from aws_lambda_powertools import Logger, Metrics

from books import consuming, stores
from books.errors import InvalidView, ViewsUnwritten
from books.ranking import as_json
from books.selecting import select
from books.views import read_pairs
from taskqueue import clock
from taskqueue.app import App
from taskqueue.beat.schedule import Misfire, Schedule
from taskqueue.beat.timing import Interval
from taskqueue.context import Context
from taskqueue.errors import PermanentError, StoreError, WrongArguments
from taskqueue.lambdas.settings import metrics_namespace

app = App("books", queue="rankings")

# Throttling passes: within some minutes on-demand tables double what they take.
# https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
_OPTIONS: dict[str, Any] = {
    "autoretry_for": (StoreError,),
    "dont_autoretry_for": (PermanentError,),
    "retry_backoff": 1,
    "retry_backoff_max": 60,
}
_log = Logger(service=app.name)
_metrics = Metrics(namespace=metrics_namespace(), service=app.queue)


@app.task(**_OPTIONS)
def select_populate_book() -> dict[str, Any]:
    """Rank and store the most viewed books of the last hour; the result is the ranking."""
    selected = select(
        stores.views(),
        stores.rankings(),
        stores.catalogue(),
        stores.settings(),
        clock.now_ms(),
    )
    for segment_id in selected.unreadable:
        _log.error("a segment of views cannot be read", extra={"segment": segment_id})
    ranking = selected.ranking
    _metrics.add_metric("RankingsComputed", "Count", 1)
    if ranking.segments_left_out:
        _metrics.add_metric("SegmentsLeftOut", "Count", ranking.segments_left_out)
    _metrics.flush_metrics()
    return as_json(ranking)


def _check_views(views: object) -> None:
    """Refuse what `POST /views` refuses."""
    try:
        read_pairs(views, clock.now_ms(), stores.settings().window_minutes, grace_minutes=0)
    except InvalidView as error:
        raise WrongArguments(str(error)) from None


@app.task(
    queue="views",
    idempotent=True,
    bind=True,
    ignore_result=True,
    check=_check_views,
    **_OPTIONS,
)
def count_views(run: Context, views: list[list[Any]]) -> None:
    """Count views, each a pair of book and milliseconds; `count_views` takes them by the batch."""
    read = read_pairs(views, run.now_ms(), stores.settings().window_minutes)
    try:
        consuming.append(stores.views(), {run.id: read})
    except ViewsUnwritten as error:
        raise error.cause from error


def schedules() -> tuple[Schedule, ...]:
    """Return the schedules of these tasks."""
    period = Interval(stores.settings().period_seconds)
    return (
        Schedule("select_populate_book", select_populate_book.name, period, misfire=Misfire.LATEST),
    )
