"""`python -m tests.benchmarks [--beat | --large | --celery]`: measures, and writes a page of docs/.

Apart are beat, which is watched for 40 minutes, a fan-out to 20 million friends, and a Celery app's
tasks beside stock workers. Ends with 1 when a limit is missed or could not be measured.
"""

import argparse
import datetime
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.benchmarks import (
    async_tasks,
    beat,
    cold_start,
    fan_out_cpu,
    fan_out_large,
    fan_out_memory,
    fan_out_writes,
    machine,
    post_latency,
    ranking,
    task_cpu,
    task_writes,
    top_reads,
    view_writes,
)
from tests.benchmarks.adapter import canvas as adapter_canvas
from tests.benchmarks.adapter import cold_start as adapter_cold_start
from tests.benchmarks.adapter import cpu as adapter_cpu
from tests.benchmarks.processes import BenchmarkError
from tests.benchmarks.report import Section, render
from tests.benchmarks.stack import quiet_stack
from tools.errors import ToolError, run_tool, say
from tools.local.deployed import Stack
from tools.paths import ROOT

type Measurement = Callable[[Stack, Path], Section]

MEASUREMENTS: dict[str, Measurement] = {
    "writes and requests of a plain task": task_writes.measure,
    "writes and requests of a fan-out": fan_out_writes.measure,
    "a fan-out to a million": fan_out_large.measure_a_million,
    "CPU of a fan-out": fan_out_cpu.measure,
    "CPU of a worker": task_cpu.measure,
    "tasks that wait": async_tasks.measure,
    "cold start": cold_start.measure,
    "memory of a fan-out": fan_out_memory.measure,
    "latency of a post": post_latency.measure,
    "writes of a view": view_writes.measure,
    "a ranking": ranking.measure,
    "reads of the ranking": top_reads.measure,
}
OF_BEAT: dict[str, Measurement] = {"beat": beat.measure}
LARGE: dict[str, Measurement] = {"a fan-out to 20 million": fan_out_large.measure_twenty_million}
OF_A_CELERY_APP: dict[str, Measurement] = {
    "cold start of a Celery app's consumer": adapter_cold_start.measure,
    "CPU of a Celery app's tasks": adapter_cpu.measure,
    "a chain and a chord": adapter_canvas.measure,
}


def main() -> None:
    """Measure, write the page, and end the process with 1 if a limit is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--beat", action="store_true", help="beat alone: about 45 minutes")
    parser.add_argument("--large", action="store_true", help="20 million friends alone")
    parser.add_argument("--celery", action="store_true", help="a Celery app's tasks alone")
    arguments = parser.parse_args()
    if arguments.beat:
        _measure(OF_BEAT, "Benchmark of beat", "make bench-beat", "benchmarks-beat.md")
    elif arguments.large:
        _measure(LARGE, "Benchmark of a large fan-out", "make bench-large", "benchmarks-large.md")
    elif arguments.celery:
        title = "Benchmarks of a Celery app's tasks"
        _measure(OF_A_CELERY_APP, title, "make bench-celery", "benchmarks-celery.md")
    else:
        _measure(MEASUREMENTS, "Benchmarks", "make bench", "benchmarks.md")


def _measure(
    measurements: Mapping[str, Measurement], title: str, command: str, page_name: str
) -> None:
    started = datetime.datetime.now(datetime.UTC)
    with quiet_stack() as stack:
        sections = [_take(name, measure, stack) for name, measure in measurements.items()]
    page = ROOT / "docs" / page_name
    page.write_text(render(title, sections, machine.describe(started, command)))
    say(f"written       {page.relative_to(ROOT)}")
    if any(section.missed for section in sections):
        sys.exit(1)


def _take(name: str, measure: Measurement, stack: Stack) -> Section:
    """Take one measurement; one that cannot be taken leaves the others alone."""
    say(f"measuring     {name}")
    with tempfile.TemporaryDirectory() as folder:
        try:
            section = measure(stack, Path(folder))
        except (BenchmarkError, ToolError) as error:
            section = Section(name[0].upper() + name[1:], problem=str(error))
    for check in section.checks:
        say(f"{'pass' if check.passed else 'MISS':>13} {check.what}: {check.measured}")
    if section.problem:
        say(f"{'MISS':>13} {section.problem}")
    return section


if __name__ == "__main__":
    run_tool(main)
