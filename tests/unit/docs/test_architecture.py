"""The tree of folders on the page of the architecture is the real one."""

import re
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from tests.unit.docs import shipped

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "architecture.md"
INDENT = 2


def shown() -> Iterator[PurePosixPath]:
    """Yield the folders of the page's tree; each stands below the one that it is in."""
    tree = re.search(r"## The folders\n+```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert tree
    above: list[PurePosixPath] = [PurePosixPath()]
    for line in tree[1].splitlines():
        depth = (len(line) - len(line.lstrip())) // INDENT
        above[depth + 1 :] = [above[depth] / line.split()[0]]
        yield above[-1]


def real() -> Iterator[PurePosixPath]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for file in listed.stdout.splitlines():
        yield PurePosixPath(file).parent


def by_parent(folders: Iterable[PurePosixPath]) -> dict[PurePosixPath, set[str]]:
    inside: dict[PurePosixPath, set[str]] = {}
    for folder in folders:
        for one in (folder, *folder.parents):
            if one.name:
                inside.setdefault(one.parent, set()).add(one.name)
    return inside


def test_a_folder_that_is_opened_shows_all_that_is_in_it() -> None:
    there = by_parent(real())
    for folder, names in by_parent(shown()).items():
        assert names == there[folder] - shipped.OTHER_FOLDERS, folder
