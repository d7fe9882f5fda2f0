"""Each row of what works of Celery names a test that there is."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "celery.md").read_text()
TEST = re.compile(r"^def (test_\w+)\(", re.MULTILINE)


def rows(title: str) -> list[list[str]]:
    """Return the cells of a section's table, without its head."""
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def known_tests() -> set[str]:
    files = [*ROOT.glob("tests/unit/celery/test_*.py"), *ROOT.glob("tests/integration/celery/*.py")]
    return {name for file in files for name in TEST.findall(file.read_text())}


def test_the_tests_that_the_page_names_are_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert named
    assert named <= known_tests()


def test_each_row_of_what_works_names_its_test() -> None:
    found = rows("What works")
    assert len(found) > 15
    assert [row[0] for row in found if "`test_" not in row[2]] == []
