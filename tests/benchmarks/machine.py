"""The machine, the date and the versions that a page of measurements must name."""

import datetime
import os
import platform
import shutil
import subprocess
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from tools.paths import CELERY_PYTHON, MINISTACK_PYTHON


def describe(now: datetime.datetime, command: str) -> Mapping[str, str]:
    """What the head of the page that `command` writes says, in reading order."""
    return {
        "Date": now.strftime("%Y-%m-%d %H:%M UTC"),
        "Command": f"`{command}`",
        "Commit": _commit(),
        "Machine": f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB of memory",
        "System": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Libraries": ", ".join(f"{name} {version(name)}" for name in ("boto3", "botocore")),
        "Local AWS": f"ministack {_installed(MINISTACK_PYTHON, 'ministack')}",
        "Beside it": f"Celery {_installed(CELERY_PYTHON, 'celery')}, Redis {_redis_version()}",
    }


def _commit() -> str:
    """The commit measured; `+ changes` when the files under test are not as committed."""
    sources = ["layers", "functions", "template.yaml"]
    head = _output(["git", "rev-parse", "--short", "HEAD"]) or "none"
    changed = _output(["git", "status", "--porcelain", "--", *sources])
    return f"{head} + changes" if changed else head


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _memory_gib() -> float:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30


def _installed(python: Path, package: str) -> str:
    """The version of `package` in the virtual environment whose interpreter is `python`."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    return _output([str(python), "-c", code]) or "not installed"


def _redis_version() -> str:
    if shutil.which("redis-server") is None:
        return "not installed"
    words = _output(["redis-server", "--version"]).split()
    return next((word[2:] for word in words if word.startswith("v=")), "unknown")


def _output(command: list[str]) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip()
