"""The scoreboard: each test of the suite with each worker, as Markdown."""

from collections.abc import Mapping, Sequence

from tests.celery_suite.exceptions import EXCEPTIONS
from tests.celery_suite.record import Record
from tests.celery_suite.results import FAILED, PASSED, SKIPPED, Result, by_reason, count_line
from tests.celery_suite.verdict import judged
from tests.celery_suite.workers import OURS, STOCK, TITLES

_INTRODUCTION = """\
`t/integration` of Celery's sdist, unmodified but for the fixture that starts a worker. A Redis runs
beside each worker, in which the suite's tasks note that they have run, and what the suite skips
without Redis as result backend is not skipped. The client of this project's worker is a stock one
with `control="taskqueue.celery:Control"`. A test is tried once. Written by the commands below from
the last result of each test; no number here is typed by hand.

What passes with the stock worker on Redis is to pass here, but for the exceptions named below. They
count as `xfailed`, as does what fails with the stock worker, too. Anything else that fails ends
`make celery-suite` with 1.""".splitlines()

type Records = Mapping[str, Record]

_SHOWN = {PASSED: "pass", FAILED: "**fail**", SKIPPED: "skip"}
_NOT_RUN = ""
_HEAD = ("Date", "Command", "Commit", "Machine", "Beside it")


def render(records: Records) -> str:
    """Return the page. `records`: by worker."""
    ours = _judged(records, OURS)
    parts = [
        "# Celery's own integration suite",
        "",
        *_INTRODUCTION,
        "",
        *_table(
            ["worker", "tests", *_HEAD],
            [
                [
                    title,
                    count_line(_judged(records, worker)),
                    *(records[worker].about.get(name, "") for name in _HEAD),
                ]
                for worker, title in TITLES.items()
                if records[worker].results
            ],
        ),
        "",
        f"{_kept(records)} that pass with {TITLES[STOCK]} pass with {TITLES[OURS]}.",
        "",
        "## Exceptions",
        "",
        *_exceptions(),
        "",
        "## Tests",
        "",
        *_scoreboard(records),
    ]
    for worker, title in TITLES.items():
        if records[worker].results:
            parts += ["", f"## What failed or was skipped: {title}", ""]
            parts += _reasons(records[worker].results)
    parts += ["", f"## The count of {TITLES[OURS]}", "", count_line(ours)]
    return "\n".join(parts) + "\n"


def _judged(records: Records, worker: str) -> list[Result]:
    results = records[worker].results
    if worker not in EXCEPTIONS:
        return results
    return judged(results, records[STOCK].results, EXCEPTIONS[worker])


def _kept(records: Records) -> str:
    """Return how many of the tests that pass with the stock worker pass with ours."""
    wanted = {result.test for result in records[STOCK].results if result.outcome == PASSED}
    ours = records[OURS].results
    kept = wanted & {result.test for result in ours if result.outcome == PASSED}
    return f"{len(kept)} of the {len(wanted)} tests"


def _exceptions() -> list[str]:
    rows = [
        [
            _code(test),
            reason,
            ", ".join(worker for worker in EXCEPTIONS if test in EXCEPTIONS[worker]),
        ]
        for test, reason in _all_exceptions().items()
    ]
    return _table(["test", "why it need not pass", "in the runs"], rows)


def _all_exceptions() -> Mapping[str, str]:
    return {test: reason for found in EXCEPTIONS.values() for test, reason in found.items()}


def _scoreboard(records: Records) -> list[str]:
    workers = [worker for worker in TITLES if records[worker].results]
    outcomes = {
        worker: {result.test: result.outcome for result in records[worker].results}
        for worker in workers
    }
    tests = dict.fromkeys(result.test for worker in workers for result in records[worker].results)
    rows = [
        [_code(test), *(_shown(outcomes[worker].get(test)) for worker in workers)] for test in tests
    ]
    return _table(["test", *(TITLES[worker] for worker in workers)], rows)


def _reasons(results: Sequence[Result]) -> list[str]:
    lines: list[str] = []
    for outcome in dict.fromkeys(result.outcome for result in results if result.outcome != PASSED):
        found = by_reason(result for result in results if result.outcome == outcome)
        lines += [
            f"- {outcome}, {_code(reason) if reason else 'no reason given'}: "
            + ", ".join(_code(test) for test in tests)
            for reason, tests in found.items()
        ]
    return lines or ["Nothing."]


def _shown(outcome: str | None) -> str:
    return _SHOWN.get(outcome, outcome) if outcome else _NOT_RUN


def _code(text: str) -> str:
    return "`" + text.replace("`", "'").replace("|", "\\|") + "`"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    lines = [head, ["---"] * len(head), *rows]
    return ["| " + " | ".join(line) + " |" for line in lines]
