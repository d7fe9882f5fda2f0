"""A Celery app's consumer as Lambda has it: its file, the layers, and of all else only boto3."""

import compileall
import os
import py_compile
import shutil
import subprocess
from pathlib import Path

import boto3

from tests.benchmarks.lambda_files import LambdaFiles, make_read_only
from tests.benchmarks.processes import BenchmarkError
from tools.paths import ROOT, UV

CELERY, LIGHT = "celery_consumer", "light_consumer"
_LAYERS = ("TaskqueueLayer", "CeleryLayer")
# What Lambda's own Python has.
_OF_THE_RUNTIME = (
    *("boto3", "botocore", "s3transfer", "jmespath", "urllib3", "dateutil", "six.py"),
)
_FUNCTIONS = Path(__file__).with_name("functions")


def build(folder: Path) -> LambdaFiles:
    """Build the layers below a folder, and put both consumers beside them.

    Raises:
        BenchmarkError: a layer could not be built.
    """
    files = LambdaFiles(folder / "task", folder / "opt", CELERY)
    for layer in _LAYERS:
        _build(layer, files.layers)
    shutil.copytree(_FUNCTIONS, files.task, ignore=shutil.ignore_patterns("__pycache__"))
    unchecked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    compileall.compile_dir(files.task, quiet=1, invalidation_mode=unchecked)
    make_read_only(folder)
    return files


def runtime(folder: Path) -> Path:
    """Return a folder with what Lambda's own Python has, and nothing else."""
    installed = Path(boto3.__file__).parents[1]
    folder.mkdir()
    for name in _OF_THE_RUNTIME:
        (folder / name).symlink_to(installed / name)
    return folder


def _build(layer: str, target: Path) -> None:
    environ = {
        **os.environ,
        "ARTIFACTS_DIR": str(target),
        "PATH": f"{UV.parent}{os.pathsep}{os.environ['PATH']}",
    }
    target.mkdir(parents=True, exist_ok=True)
    command = ["make", "--silent", "--directory", str(ROOT / "layers"), f"build-{layer}"]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BenchmarkError(f"{layer} could not be built: {done.stderr.strip()[-300:]}")
