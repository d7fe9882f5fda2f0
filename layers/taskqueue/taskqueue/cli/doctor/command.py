"""The command: imports the app, has it examined, and prints the report."""

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from taskqueue.cli.doctor import prices
from taskqueue.cli.doctor.monthly_cost import Rates, monthly_cost
from taskqueue.cli.doctor.report import lines, report

if TYPE_CHECKING:
    from celery import Celery

CANNOT_RUN = 1
_HINT = "'MODULE:NAME'"


class AppName(click.ParamType[tuple[str, str]]):
    """The module of an app and the name that it has there, `proj.celery:app`."""

    name = "MODULE:NAME"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split the argument."""
        module, _, name = str(value).partition(":")
        if not (module and name):
            self.fail(f"{value!r} is no module and name, such as proj.celery:app", param, ctx)
        return module, name


@click.command()
@click.argument("app", type=AppName(), metavar="MODULE:NAME")
@click.option("--tasks-per-day", type=click.FloatRange(0), help="Say, too, what a month costs.")
@click.option("--seconds-per-task", type=click.FloatRange(0), default=0.1, show_default=True)
@click.option("--tasks-per-batch", type=click.IntRange(1, 10_000), default=1, show_default=True)
@click.option("--read-units-per-task", type=click.FloatRange(0), default=1, show_default=True)
@click.option(
    "--memory-megabytes", type=click.IntRange(128, 10_240), default=512, show_default=True
)
@click.option("--architecture", type=click.Choice([*prices.LAMBDA_GB_SECOND]), default="x86_64")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(app: tuple[str, str], tasks_per_day: float | None, as_json: bool, **how: Any) -> None:
    """Say what of a Celery app differs here, what it needs, and what it costs.

    Exits with 1 when something of it cannot run here.
    """
    from taskqueue.celery.checks.examination import examine

    examination = examine(_load(*app))
    bill = None
    if tasks_per_day is not None:
        bill = monthly_cost(Rates(tasks_per_day, queues=len(examination.queues), **how))
    found = report(examination, *app, bill)
    click.echo(json.dumps(found, indent=2) if as_json else "\n".join(lines(found)))
    if examination.cannot_run:
        sys.exit(CANNOT_RUN)


def _load(module: str, name: str) -> "Celery":
    """Import an app, as `celery -A` does.

    Raises:
        click.BadParameter: there is none of that name, or its modules cannot be imported.
    """
    try:
        from celery import Celery
        from celery.utils.imports import import_from_cwd, symbol_by_name
    except ImportError:
        raise click.UsageError("Celery is not installed: taskqueue[celery]") from None
    try:
        app = symbol_by_name(f"{module}:{name}", imp=import_from_cwd)
    except Exception as error:
        # Its modules are the user's, and may raise anything.
        reason = f"{type(error).__name__}: {error}"
        raise click.BadParameter(reason, param_hint=_HINT) from error
    if not isinstance(app, Celery):
        raise click.BadParameter(f"{module}:{name} is no Celery app", param_hint=_HINT)
    return app
