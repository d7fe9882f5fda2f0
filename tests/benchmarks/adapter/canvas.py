"""What a chain and a chord cost, beside plain tasks."""

from pathlib import Path

from tests.benchmarks.adapter.files import build
from tests.benchmarks.probe import run_probe
from tests.benchmarks.report import Check, Section
from tests.benchmarks.requests_of import counted, shown
from tests.benchmarks.stack import function_environ
from tools.local.deployed import Stack

LINKS = 10
PARTS = 1_000
MAX_ITEM_BYTES = 10_000


def measure(stack: Stack, folder: Path) -> Section:
    """Run a plain task, a chain and a chord, each with the queue to itself."""
    result = run_probe(
        "adapter_canvas",
        function_environ(stack, "notificationsFunction"),
        build(folder / "consumer"),
        [str(LINKS), str(PARTS)],
    )
    plain, chain, chord = (result[kind] for kind in ("plain", "chain", "chord"))
    requests = counted(chain["requests"], "") / counted(plain["requests"], "")
    extra_units = (chord["units"] - PARTS * plain["units"]) / PARTS
    return Section(
        f"A chain of {LINKS} and a chord of {PARTS:,}",
        [
            Check("requests of the chain, of a plain task's", requests, LINKS, "x"),
            Check("extra write units of a part of the chord", extra_units, 1.1, "units"),
            Check(
                "largest item, but the group's", result["largest_bytes"], MAX_ITEM_BYTES, "bytes"
            ),
        ],
        {
            "requests of a plain task": shown(plain["requests"]),
            "requests of the chain": shown(chain["requests"]),
            "write units": f"{plain['units']} of a plain task, {chain['units']} of the chain, "
            f"{chord['units']:,} of the chord with its body",
            "the group's result, one item of Celery's": f"{result['group_bytes']:,} bytes",
        },
        "A Celery app's consumer and a client in one process against the local AWS, the tasks in "
        "batches of up to ten; requests and write units are counted as for a fan-out.",
    )
