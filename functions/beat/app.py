"""Beat: sends, once a minute, the tasks that fall due within the next two minutes."""

from collections.abc import Mapping
from typing import Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.typing import LambdaContext

from taskqueue import clock
from taskqueue.beat.plan import Missed
from taskqueue.beat.tick import Tick, tick
from taskqueue.lambdas import task_modules, wiring
from taskqueue.lambdas.settings import metrics_namespace

logger = Logger(service="beat")
metrics = Metrics(namespace=metrics_namespace(), service="beat")


@logger.inject_lambda_context
@metrics.log_metrics
def handler(_event: dict[str, Any], context: LambdaContext) -> None:
    """Send what is due now. The event's own time is not used, since the event may be late.

    No batch is begun after half of the function's time, so that a slow one still comes to its end.
    """
    end_ms = clock.now_ms() + context.get_remaining_time_in_millis() // 2
    done = tick(
        wiring.schedule_store(),
        wiring.sender(),
        task_modules.startable_tasks(),
        task_modules.declared(),
        clock.now_ms,
        end_ms,
    )
    _log(done)
    # A metric is billed for each hour in which it is sent, so zeros are not.
    if broken := done.broken.keys() | done.dropped.keys():
        metrics.add_metric("SchedulesBroken", MetricUnit.Count, len(broken))
    if done.failed:
        metrics.add_metric("SchedulesFailed", MetricUnit.Count, len(done.failed))
    else:
        metrics.add_metric("BeatTicks", MetricUnit.Count, 1)


def _log(done: Tick) -> None:
    logger.info("tick", extra={"sent": done.sent})
    for name, missed in done.missed.items():
        logger.warning("slots were missed", extra={"schedule": name, **_missed(missed)})
    for name, reason in done.failed.items():
        logger.error("slots were not sent", extra={"schedule": name, "reason": reason})
    for name, reason in done.broken.items():
        logger.error("a schedule is broken", extra={"schedule": name, "reason": reason})
    for name, dropped in done.dropped.items():
        logger.error("slots were passed over", extra={"schedule": name, **_dropped(dropped)})


def _missed(missed: Missed) -> dict[str, Any]:
    return {
        "slots": missed.count,
        "first_slot": clock.iso(missed.first_ms),
        "last_slot": clock.iso(missed.last_ms),
        "run_late": [clock.iso(slot_ms) for slot_ms in missed.run_late],
    }


def _dropped(dropped: Mapping[int, str]) -> dict[str, Any]:
    first_ms, last_ms = min(dropped), max(dropped)
    return {
        "slots": len(dropped),
        "first_slot": clock.iso(first_ms),
        "last_slot": clock.iso(last_ms),
        "reason": dropped[last_ms],
    }
