"""What the layers carry besides this project's own code."""

import subprocess

import pytest

from tools.paths import ROOT, UV

CELERY = {"celery", "kombu", "vine", "billiard", "amqp"}


def packages(*options: str) -> set[str]:
    """Return the libraries that uv.lock names for a package."""
    lines = subprocess.run(
        [UV, "export", "--quiet", "--frozen", "--no-emit-workspace", "--no-dev", *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    return {line.partition("==")[0] for line in lines if "==" in line}


@pytest.mark.parametrize("layer", ["taskqueue", "social", "books", "api"])
def test_a_light_consumer_s_layers_carry_nothing_of_celery(layer: str) -> None:
    assert packages("--package", layer) & CELERY == set()


def test_the_extra_brings_celery() -> None:
    assert packages("--package", "taskqueue", "--extra", "celery") >= CELERY
