"""Where things are: the project's folder, its environments, and what the local run leaves."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LOCAL = ROOT / ".local"

DEV_ENVIRONMENT = ROOT / ".venv"
SAM_ENVIRONMENT = ROOT / ".venv-sam"
MINISTACK_ENVIRONMENT = ROOT / ".venv-ministack"
CELERY_ENVIRONMENT = ROOT / ".venv-celery"

UV = LOCAL / "bin" / "uv"
SAM = SAM_ENVIRONMENT / "bin" / "sam"
MINISTACK_PYTHON = MINISTACK_ENVIRONMENT / "bin" / "python"
CELERY_PYTHON = CELERY_ENVIRONMENT / "bin" / "python"
