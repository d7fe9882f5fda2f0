"""The scoreboard: each test of the suite with each worker, as Markdown."""

from collections.abc import Mapping, Sequence

from tests.celery_suite.results import FAILED, PASSED, SKIPPED, Result, by_reason, count_line

_INTRODUCTION = """\
`t/integration` of Celery's sdist, unmodified but for the fixture that starts a worker. A Redis runs
beside each worker, in which the suite's tasks note that they have run, and what the suite skips
without Redis as result backend is not skipped. A test is tried once. Written by the command below;
no number here is typed by hand.""".splitlines()

type Results = Mapping[str, Sequence[Result]]

_SHOWN = {PASSED: "pass", FAILED: "**fail**", SKIPPED: "skip"}
_NOT_RUN = ""


def render(results: Results, titles: Mapping[str, str], machine: Mapping[str, str]) -> str:
    """Return the page. `results` and `titles` by worker: first a stock one, last ours."""
    first, *_, ours = titles
    parts = [
        "# Celery's own integration suite",
        "",
        *_INTRODUCTION,
        "",
        *_table(["", ""], [list(row) for row in machine.items()]),
        "",
        *_table(
            ["worker", "tests"],
            [[title, count_line(results[worker])] for worker, title in titles.items()],
        ),
        "",
        f"{_kept(results[first], results[ours])} that pass with {titles[first]} pass with"
        f" {titles[ours]}.",
        "",
        "## Tests",
        "",
        *_scoreboard(results, titles),
    ]
    for worker, title in titles.items():
        parts += ["", f"## What failed or was skipped: {title}", "", *_reasons(results[worker])]
    parts += ["", f"## The count of {titles[ours]}", "", count_line(results[ours])]
    return "\n".join(parts) + "\n"


def _kept(first: Sequence[Result], ours: Sequence[Result]) -> str:
    """Return how many of the tests that pass with the first worker pass with ours."""
    wanted = {result.test for result in first if result.outcome == PASSED}
    kept = wanted & {result.test for result in ours if result.outcome == PASSED}
    return f"{len(kept)} of the {len(wanted)} tests"


def _scoreboard(results: Results, titles: Mapping[str, str]) -> list[str]:
    outcomes = {
        worker: {result.test: result.outcome for result in results[worker]} for worker in titles
    }
    tests = dict.fromkeys(result.test for worker in titles for result in results[worker])
    rows = [
        [_code(test), *(_shown(outcomes[worker].get(test)) for worker in titles)] for test in tests
    ]
    return _table(["test", *titles.values()], rows)


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
