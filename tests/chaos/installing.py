"""Puts the campaign's tasks into the functions of a deployed stack."""

from __future__ import annotations

import io
import zipfile
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.support.expansion import expand
from tools.local.deployed import Stack
from tools.local.rest import Rest

CONSUMER = "notificationsFunction"
MODULE = Path(__file__).with_name("campaign_tasks.py")
_TASK_MODULES = f"social.tasks,books.tasks,{MODULE.stem}"


def install_tasks(stack: Stack, runs: Path) -> None:
    """Give every function the module of the tasks, and the consumer the handler that runs them.

    `runs`: the file in which the tasks note their runs.
    """
    client = stack.client("lambda")
    names = stack.resources("AWS::Lambda::Function")
    resources = expand(stack.built / "template.yaml", {})["Resources"]
    for logical_id, name in names.items():
        code = stack.built / resources[logical_id]["Properties"]["CodeUri"]
        client.update_function_code(FunctionName=name, ZipFile=_archive(code))
        known = client.get_function_configuration(FunctionName=name)["Environment"]["Variables"]
        variables = {**known, "TASK_MODULES": _TASK_MODULES, "CAMPAIGN_RUNS": str(runs)}
        client.update_function_configuration(
            FunctionName=name, Environment={"Variables": variables}
        )
    handler = f"{MODULE.stem}.handler"
    client.update_function_configuration(FunctionName=names[CONSUMER], Handler=handler)


def pause_schedules(stack: Stack) -> None:
    """Pause the schedule that is part of the stack, so that nothing waits for its next time."""
    schedule = {"task": "select_populate_book", "interval_seconds": 3_600, "paused": True}
    answer = Rest.of(stack).call("PUT", "/schedules/select_populate_book", schedule)
    answer.expect(HTTPStatus.OK)


def functions_of(stack: Stack) -> list[str]:
    """The logical ids of all functions of a stack."""
    return sorted(stack.resources("AWS::Lambda::Function"))


def _archive(code: Path) -> Any:
    """The files of a function as a ZIP file, with the module among them."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted(code.rglob("*")):
            if path.is_file():
                archive.write(path, path.relative_to(code))
        archive.write(MODULE, MODULE.name)
    return content.getvalue()
