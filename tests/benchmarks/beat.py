"""Beat's drift and punctuality, beside Celery's beat on Redis; with one beat, and with two."""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.benchmarks.celery_beat import celery_beats
from tests.benchmarks.punctuality import Punctuality, punctuality
from tests.benchmarks.report import Check, Section
from tests.benchmarks.stack import Switches
from tools.local.deployed import Stack

PERIOD_SECONDS = 100
MINUTES = 30
MINUTES_WITH_TWO = 10
_PERIOD_MS = PERIOD_SECONDS * 1000
_SECOND_BEAT_SECONDS = 20
_P99_MS = 250.0
# Slots that passed while all was off are made up for before the clock starts.
_SETTLING_SECONDS = 130

type Pair = tuple[Punctuality, Punctuality]


def measure(stack: Stack, folder: Path) -> Section:
    """Let both run side by side, with one beat each and then with two."""
    switches = Switches(stack)
    switches.turn_on_schedule("rankingsFunction")
    try:
        time.sleep(_SETTLING_SECONDS)
        one = _run(stack, folder / "one", 1, MINUTES)
        two = _run(stack, folder / "two", 2, MINUTES_WITH_TWO)
    finally:
        switches.turn_all_off()
    return _section(one, two)


def _section(one: Pair, two: Pair) -> Section:
    (ours, celery), (ours_two, celery_two) = one, two
    return Section(
        f"Beat: a schedule of {PERIOD_SECONDS} s",
        [
            Check("start after the slot, p99", ours.p99_ms, _P99_MS, "ms"),
            Check("starts before their slot", ours.early, 0, "runs", "exactly"),
            Check("slots left out", ours.skipped, 0, "slots", "exactly"),
            Check("slots run twice", ours.repeated, 0, "slots", "exactly"),
            Check("with two beats: start after the slot, p99", ours_two.p99_ms, _P99_MS, "ms"),
            Check("with two beats: slots run twice", ours_two.repeated, 0, "slots", "exactly"),
        ],
        {
            f"ours, {MINUTES} minutes": _shown(ours),
            f"Celery's, {MINUTES} minutes": _shown(celery),
            f"ours with two beats, {MINUTES_WITH_TWO} minutes": _shown(ours_two),
            f"Celery's with two beats, {MINUTES_WITH_TWO} minutes": _shown(celery_two),
        },
        "`select_populate_book` on the deployed stack, by the rule's own ticks and the rankings "
        "queue's consumer: the time at which each ranking was begun, after its slot, a multiple "
        "of the period since the epoch. Beside it, at the same time, `celery beat` and a worker on "
        "Redis with a task that notes the time; its slots are counted from its first run. The "
        "drift is how much later after its slot the last run began than the first. The second "
        f"beat of ours is another tick every {_SECOND_BEAT_SECONDS} s.",
    )


def _shown(found: Punctuality) -> str:
    return (
        f"{found.runs} runs, p99 {found.p99_ms:.0f} ms after the slot, earliest "
        f"{found.earliest_ms:.0f} ms, drift {found.drift_ms:.0f} ms, "
        f"{found.repeated} slots run twice, {found.skipped} left out"
    )


def _run(stack: Stack, folder: Path, beats: int, minutes: int) -> Pair:
    folder.mkdir()
    with celery_beats(folder, PERIOD_SECONDS, beats) as starts:
        began_ms = _now_ms()
        _wait(minutes * 60, (lambda: _tick(stack)) if beats > 1 else None)
        ended_ms = _now_ms()
        theirs = [float(line) * 1000 for line in starts.read_text().split()]
    ours = [at_ms for at_ms in _rankings(stack) if began_ms <= at_ms < ended_ms]
    return (
        punctuality(ours, first_slot_ms=0, period_ms=_PERIOD_MS),
        punctuality(theirs, first_slot_ms=min(theirs), period_ms=_PERIOD_MS),
    )


def _wait(seconds: float, often: Callable[[], None] | None) -> None:
    """Let time pass, and call `often` as a second beat would."""
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if often:
            often()
        time.sleep(min(left, _SECOND_BEAT_SECONDS))


def _tick(stack: Stack) -> None:
    function = stack.resources("AWS::Lambda::Function")["BeatFunction"]
    stack.client("lambda").invoke(FunctionName=function, InvocationType="Event")


def _rankings(stack: Stack) -> Sequence[int]:
    """When each ranking that is kept was begun; the latest is kept once more under that name."""
    pages = stack.client("dynamodb").get_paginator("scan")
    return [
        int(item["at"]["S"])
        for page in pages.paginate(TableName=stack.outputs["RankingsTable"])
        for item in page["Items"]
        if item["at"]["S"].isdigit()
    ]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
