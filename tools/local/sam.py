"""The SAM CLI: building the template, and deploying it to the local AWS."""

from __future__ import annotations

import fcntl
import os
import shutil
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.errors import ToolError
from tools.local.ministack import client_environ
from tools.paths import DEV_ENVIRONMENT, LOCAL, ROOT, SAM, UV
from tools.shell import run_logged

CONFIG_ENVIRONMENT = "local"
BUILT = ROOT / ".aws-sam" / "build"
LOG = LOCAL / "logs" / "sam.log"


def sam_environ(environ: Mapping[str, str]) -> dict[str, str]:
    """`environ` in which the makefiles find uv and python3.13, and SAM reports nothing home."""
    path = f"{UV.parent}:{DEV_ENVIRONMENT / 'bin'}:{environ.get('PATH', '')}"
    return {
        **environ,
        "PATH": path,
        "SAM_CLI_TELEMETRY": "0",
        "SAM_CLI_ENABLE_LANGUAGE_EXTENSIONS": "1",
    }


def build_command() -> list[str | Path]:
    """Build all functions and layers, several at a time; uv's own cache makes that quick."""
    return [SAM, "build", "--parallel", "--template-file", ROOT / "template.yaml"]


def deploy_command(template: Path) -> list[str | Path]:
    """Deploy a built template with the settings that samconfig.toml has for the local AWS."""
    return [
        SAM,
        "deploy",
        *("--config-file", ROOT / "samconfig.toml"),
        *("--config-env", CONFIG_ENVIRONMENT),
        *("--template-file", template),
        "--no-confirm-changeset",
        "--no-fail-on-empty-changeset",
        "--no-progressbar",
    ]


def build(copy: Path | None = None) -> None:
    """Build the project's functions and layers; one build at a time.

    Args:
        copy: a folder to copy what was built to, since the next build replaces it.

    Raises:
        ToolError: the build failed.
    """
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with (LOCAL / "build.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        run_logged(
            build_command(), LOG, "sam build failed", environ=sam_environ(os.environ), cwd=ROOT
        )
        if copy is not None:
            shutil.rmtree(copy, ignore_errors=True)
            shutil.copytree(BUILT, copy)


def deploy(template: Path, endpoint_url: str) -> None:
    """Deploy a built template to the AWS at `endpoint_url`.

    Raises:
        ToolError: the deployment failed.
    """
    environ = sam_environ(client_environ(os.environ, endpoint_url))
    run_logged(deploy_command(template), LOG, "sam deploy failed", environ=environ, cwd=ROOT)


def stack_name() -> str:
    """The stack's name in samconfig.toml's settings for the local AWS.

    Raises:
        ToolError: samconfig.toml has none.
    """
    return stack_name_of(tomllib.loads((ROOT / "samconfig.toml").read_text()))


def stack_name_of(config: Mapping[str, Any]) -> str:
    """`stack_name` of the local environment: of `deploy`, else of `global`."""
    environment = config.get(CONFIG_ENVIRONMENT, {})
    for command in ("deploy", "global"):
        name = environment.get(command, {}).get("parameters", {}).get("stack_name")
        if name:
            return str(name)
    raise ToolError(f"samconfig.toml names no stack for the environment {CONFIG_ENVIRONMENT!r}")
