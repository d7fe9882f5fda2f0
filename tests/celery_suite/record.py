"""The last result of each test with a worker, kept in a file: `recorded/<worker>.json`."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.celery_suite.results import Result

_FOLDER = Path(__file__).parent / "recorded"
# The plugin's reason for a test that was left out.
NO_TIME = "no time was left for it"


@dataclass(frozen=True)
class Record:
    """`about`: when and where the last run was. `results`: in the order of the suite."""

    about: Mapping[str, str]
    results: list[Result]


def read(worker: str) -> Record:
    """Return what is recorded of a worker: nothing, if it has never run."""
    path = _path(worker)
    if not path.exists():
        return Record({}, [])
    found = json.loads(path.read_text())
    return Record(found["about"], [Result(**one) for one in found["results"]])


def write(worker: str, about: Mapping[str, str], results: Iterable[Result]) -> None:
    """Record new results beside those of tests that were not run."""
    known = {result.test: result for result in read(worker).results}
    known |= {result.test: result for result in results if result.reason != NO_TIME}
    lines = ",\n".join(json.dumps(asdict(result)) for result in known.values())
    text = f'{{"about": {json.dumps(about)},\n"results": [\n{lines}\n]}}\n'
    _FOLDER.mkdir(exist_ok=True)
    _path(worker).write_text(text)


def _path(worker: str) -> Path:
    return _FOLDER / f"{worker}.json"
