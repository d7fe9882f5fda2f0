"""`sam local`: the built functions in containers, against the local AWS."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.support.relay import relayed
from tools.errors import ToolError
from tools.local import sam
from tools.local.deployed import Stack
from tools.local.docker import HOST, add_host, bridge_address
from tools.paths import ROOT, SAM

INVOKE_SECONDS = 120


@dataclass(frozen=True)
class SamLocal:
    """The settings of `sam local` for one stack: its template and its file of variables."""

    stack: Stack
    template: Path
    variables: Path

    def command(self, verb: str, *arguments: str | Path) -> list[str | Path]:
        """The command line of `sam local <verb>`."""
        return [
            *(SAM, "local", verb, *arguments),
            *("--template", self.template),
            *("--env-vars", self.variables),
            *("--add-host", add_host()),
            "--skip-pull-image",
        ]

    def environ(self) -> dict[str, str]:
        """The environment of `sam local`; it passes the credentials on to the function."""
        return sam.sam_environ(self.stack.environ(os.environ))

    def invoke(self, function: str, event: Path) -> Any:
        """What the function with this logical id answers to the event in the file.

        Raises:
            ToolError: SAM failed, or the function raised.
        """
        done = subprocess.run(
            self.command("invoke", function, "--event", event),
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            env=self.environ(),
            cwd=ROOT,
            timeout=INVOKE_SECONDS,
            check=False,
        )
        if done.returncode != 0:
            raise ToolError(f"sam local invoke {function} failed: {done.stderr}")
        answer = json.loads(done.stdout)
        if isinstance(answer, dict) and "errorType" in answer:
            raise ToolError(f"{function} raised {answer['errorType']}: {answer['errorMessage']}")
        return answer


@contextmanager
def reached_by_containers(stack: Stack) -> Iterator[None]:
    """While containers reach the stack's local AWS, which listens on the loopback address only."""
    address = bridge_address()
    with relayed(stack.port, address) if address else nullcontext():
        yield


def prepare(stack: Stack, folder: Path) -> SamLocal:
    """Write the template and the variables of `sam local` for a stack.

    Args:
        stack: deployed; the functions get its tables' and queues' names.
        folder: for the file of variables.
    """
    endpoint = f"http://{HOST}:{stack.port}"
    built = yaml.safe_load((stack.built / "template.yaml").read_text())
    # Its paths are relative to its own folder, so it has to lie beside the one it comes from.
    template = stack.built / "template-sam-local.yaml"
    template.write_text(yaml.safe_dump(with_variable(built, "AWS_ENDPOINT_URL", endpoint)))
    variables = folder / "variables.json"
    variables.write_text(json.dumps(function_variables(stack, {"AWS_ENDPOINT_URL": endpoint})))
    return SamLocal(stack, template, variables)


def with_variable(template: Mapping[str, Any], name: str, value: str) -> dict[str, Any]:
    """The template with one more environment variable of every function.

    `sam local` passes a function only the variables that its template declares.
    """
    changed = deepcopy(dict(template))
    parts: dict[str, Any] = changed
    for key in ("Globals", "Function", "Environment", "Variables"):
        parts = parts.setdefault(key, {})
    parts[name] = value
    return changed


def function_variables(stack: Stack, more: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """The variables of every deployed function, by logical id, and `more` with each."""
    client = stack.client("lambda")
    return {
        logical_id: {
            **client.get_function_configuration(FunctionName=name)["Environment"]["Variables"],
            **more,
        }
        for logical_id, name in stack.resources("AWS::Lambda::Function").items()
    }
