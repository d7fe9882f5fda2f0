"""A template with its loops done and its rows and parameters resolved, as the SAM CLI does it."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.paths import SAM_ENVIRONMENT

_SCRIPT = Path(__file__).with_name("expand_template.py")


class CannotExpand(Exception):
    """The SAM CLI cannot expand the template."""


def expand(template: Path, parameters: Mapping[str, str]) -> Mapping[str, Any]:
    """Expand the template in a file with these values of its parameters, or their defaults."""
    python = SAM_ENVIRONMENT / "bin" / "python"
    done = subprocess.run(
        [python, _SCRIPT, template, json.dumps(parameters)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise CannotExpand(f"{template.name} cannot be expanded: {done.stderr.splitlines()[-1]}")
    expanded: Mapping[str, Any] = json.loads(done.stdout)
    return expanded
