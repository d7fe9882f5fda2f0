"""The constants on the page of limits are those of the code."""

import importlib
import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "limits.md"
CONSTANTS = re.findall(r"^\| `([\w.]+)\.([A-Z_]+)` \| ([\d,]+) \|", PAGE.read_text(), re.MULTILINE)


def test_the_page_lists_constants() -> None:
    assert CONSTANTS


@pytest.mark.parametrize(("module", "name", "value"), CONSTANTS)
def test_a_constant(module: str, name: str, value: str) -> None:
    assert f"{getattr(importlib.import_module(module), name):,}" == value
