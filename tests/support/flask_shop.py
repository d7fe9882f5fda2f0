"""The example of a Flask service with Celery: its orders, placed by a stock client."""

import json
import os
import re
import subprocess
from collections.abc import Mapping
from typing import Any

from tools.paths import CELERY_PYTHON, ROOT

FOLDER = ROOT / "examples" / "flask_shop"
_TIMEOUT_SECONDS = 120
_TASK_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}")

# What the orders come to with a stock worker and Redis.
OUTCOMES = {
    "breakfast": {"state": "paid", "receipt": "14.75 charged after 1 retry"},
    "party": {"state": "paid", "receipt": "2400.0 charged after 1 retry"},
    "unpaid": {"state": "failed", "because": "CardRefused(\"the card 'lost' is refused\")"},
    "unknown": {
        "state": "failed",
        "because": "ChordError(\"Dependency TASK_ID raised KeyError('coal')\")",
    },
}
STOCK_TAKEN = "4 items on the shelf"


def place_orders(celery_settings: Mapping[str, Any], environ: Mapping[str, str]) -> Any:
    """Place the example's orders, and return what became of each, task ids left out.

    `celery_settings`: the service's, of broker and result backend.
    """
    done = subprocess.run(
        [CELERY_PYTHON, "place_orders.py"],
        cwd=FOLDER,
        env=shop_environ(celery_settings, environ),
        capture_output=True,
        text=True,
        timeout=_TIMEOUT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(_TASK_ID.sub("TASK_ID", done.stdout))


def shop_environ(celery_settings: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, str]:
    """Return `environ` with the settings as the service reads them, and nothing of this project."""
    settings = {
        f"FLASK_CELERY__{name}": value if isinstance(value, str) else json.dumps(value)
        for name, value in celery_settings.items()
    }
    return {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environ, **settings, "PYTHONPATH": ""}
