"""The report of an examination: as an object for scripts, and as text for people. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from taskqueue.cli.doctor import prices, rows
from taskqueue.cli.doctor.monthly_cost import CostLine

if TYPE_CHECKING:
    from taskqueue.celery.checks.examination import Examination
    from taskqueue.celery.checks.finding import Finding

Report = Mapping[str, Any]


def report(
    examination: "Examination", module: str, name: str, bill: Sequence[CostLine] | None
) -> Report:
    """Return what was found, as JSON has it. `module`, `name`: of the app; `bill`: if asked for."""
    names = [queue.name for queue in examination.queues]
    layer = rows.layer_of(module)
    return {
        "app": examination.app,
        "cannot_run": [_finding(found) for found in examination.cannot_run],
        "differs": [_finding(found) for found in examination.differs],
        "unused_settings": list(examination.unused_settings),
        "queues": [
            {
                "name": queue.name,
                "tasks": list(queue.tasks),
                "row": rows.row(queue, layer),
                "handler": rows.handler(
                    module,
                    name,
                    queue.name,
                    is_default=queue.name == examination.default_queue,
                    beat=examination.has_schedules and queue.name == names[0],
                ),
            }
            for queue in examination.queues
        ],
        "client_settings": rows.client_settings(names),
        "month": None if bill is None else _month(bill),
    }


def lines(found: Report) -> Iterator[str]:
    """Yield a report's lines."""
    yield f"The Celery app {found['app']!r}"
    yield from _section("Cannot run here", _findings(found["cannot_run"]))
    yield from _section("Runs, but differs", _findings(found["differs"]))
    yield from _section("Settings without meaning to a worker here", found["unused_settings"])
    yield from _section("Queues, and their tasks", _queues(found["queues"]))
    yield from _section(
        "Rows for `Queues` in template.yaml", [one["row"] for one in found["queues"]]
    )
    for queue in found["queues"]:
        yield from _section(f"functions/{queue['name']}/app.py", queue["handler"].splitlines())
    settings = found["client_settings"]
    yield from _section(
        "Settings of who sends", [f"{name} = {settings[name]!r}" for name in settings]
    )
    if found["month"]:
        yield from _section(
            f"A month, in dollars ({found['month']['prices']})", _bill(found["month"])
        )


def _finding(found: "Finding") -> Mapping[str, str]:
    return {"subject": found.subject, "text": found.text}


def _month(bill: Sequence[CostLine]) -> Mapping[str, Any]:
    return {
        "prices": f"us-east-1, {prices.AS_OF}",
        "dollars": round(sum(line.dollars for line in bill), 2),
        "lines": [
            {
                "what": line.what,
                "amount": round(line.amount, 2),
                "dollars": round(line.dollars, 2),
                "page": line.price.page,
            }
            for line in bill
        ],
    }


def _section(title: str, body: Sequence[str]) -> Iterator[str]:
    yield ""
    yield title
    yield from (f"  {line}".rstrip() for line in body or ["none"])


def _findings(found: Sequence[Mapping[str, str]]) -> Sequence[str]:
    return [f"{one['subject']} {one['text']}" for one in found]


def _queues(queues: Sequence[Mapping[str, Any]]) -> Sequence[str]:
    return [f"{queue['name']}: {', '.join(queue['tasks']) or 'no task'}" for queue in queues]


def _bill(month: Mapping[str, Any]) -> Sequence[str]:
    lines = [*month["lines"], {"what": "together", "amount": None, "dollars": month["dollars"]}]
    return [_bill_line(line) for line in lines]


def _bill_line(line: Mapping[str, Any]) -> str:
    amount = "" if line["amount"] is None else f"{line['amount']:,.0f}"
    return f"{line['what']:<30} {amount:>14} {line['dollars']:>10,.2f}"
