"""docs/api.md says something of every route."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.api_stack import Stack

PAGE = (Path(__file__).parents[3] / "docs" / "api.md").read_text()


def names(text: str) -> str:
    """Return `text` with parameters that have no names: the page calls them as readers do."""
    return re.sub(r"\{\w+\}", "{}", text)


@pytest.mark.parametrize("function", ["producer", "query"])
def test_every_route_is_on_the_page(stack: Stack, function: str) -> None:
    api: Any = importlib.import_module(f"functions.{function}.app").api
    routes = api._static_routes + api._dynamic_routes
    assert routes
    for route in routes:
        path = re.escape(names(route.openapi_path))
        assert re.search(rf"`[A-Z`, ]*{route.method}[A-Z`, ]* {path}[?`&]", names(PAGE)), path
