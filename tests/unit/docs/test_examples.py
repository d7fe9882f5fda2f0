"""The examples run, and the Python on a page is what stands in one of them."""

import importlib
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "examples"
# tests/e2e/test_add_a_task.py does what this page says.
CARRIED_OUT = ROOT / "docs" / "add-a-task.md"
PAGES = {ROOT / "README.md", *(ROOT / "docs").rglob("*.md")} - {CARRIED_OUT}


def examples() -> Iterator[Callable[[], None]]:
    for path in sorted([*EXAMPLES.glob("tasks/*.py"), *EXAMPLES.glob("celery_app/test_*.py")]):
        module = importlib.import_module(f"examples.{path.parent.name}.{path.stem}")
        yield from (value for name, value in vars(module).items() if name.startswith("test_"))


@pytest.mark.parametrize("example", list(examples()))
def test_it_runs(example: Callable[[], None]) -> None:
    example()


@pytest.mark.parametrize("page", sorted(PAGES), ids=lambda page: page.stem)
def test_python_on_a_page_stands_in_a_file(page: Path) -> None:
    files = [path.read_text() for path in EXAMPLES.rglob("*.py")]
    for block in re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL):
        assert any(block in file for file in files), block
