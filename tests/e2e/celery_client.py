"""Runs programs of `examples/celery_client` with a stock Celery, as a web service would."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tools.local.deployed import Stack
from tools.paths import CELERY_PYTHON, ROOT

EXAMPLES = ROOT / "examples" / "celery_client"
TIMEOUT_SECONDS = 60

# kombu's other spelling of a message: plain JSON where its default is base64.
PLAIN = "import celeryconfig; celeryconfig.broker_transport_options['sqs_base64_encoding'] = False"


@dataclass(frozen=True)
class CeleryClient:
    """A stock Celery client of a stack; `keys` are those of the user it is, by default the root."""

    stack: Stack
    keys: Mapping[str, str] = field(default_factory=dict)
    folder: Path = EXAMPLES

    def run(self, *arguments: str) -> str:
        """Run `python <arguments>` among the example's files; return what it prints."""
        done = subprocess.run(
            [CELERY_PYTHON, *arguments],
            cwd=self.folder,
            env=self._environ(),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def run_plain(self, program: str, *arguments: str) -> str:
        """Run a program of the example that writes its messages as plain JSON."""
        return self.run(
            "-c",
            f"import runpy, sys; sys.argv = {[program, *arguments]!r}; {PLAIN}; "
            f"runpy.run_path({program!r}, run_name='__main__')",
        )

    def send(self, call: str) -> str:
        """Send a task by `notify_friends.<call>`; return the id that it got."""
        return self.run("-c", f"from tasks import notify_friends as t; print(t.{call}.id)").strip()

    def _environ(self) -> dict[str, str]:
        named = {
            "TASKS_TABLE": self.stack.outputs["TasksTable"],
            "NOTIFICATIONS_QUEUE_URL": self.stack.outputs["notificationsQueueUrl"],
            "RANKINGS_QUEUE_URL": self.stack.outputs["rankingsQueueUrl"],
            # Nothing of this project: neither its path nor its environment.
            "PYTHONPATH": "",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        return self.stack.environ(os.environ) | named | dict(self.keys)
