"""The pages whose steps are tried on the deployed stack fit the files that they change.

The end-to-end tests carry them out; here it is seen sooner which replaced line is gone.
"""

from pathlib import Path

import pytest

from tests.support import recipe
from tests.support.cloudformation import USERS_QUEUES

ROOT = Path(__file__).parents[3]
PAGES = ("docs/add-a-task.md", "docs/celery.md", "examples/celery_article/README.md")


@pytest.mark.skipif(bool(USERS_QUEUES), reason="the steps have been carried out here")
@pytest.mark.parametrize("page", PAGES)
def test_each_step_of_a_page_applies(page: str, tmp_path: Path) -> None:
    steps = recipe.steps((ROOT / page).read_text())
    for path in {step.path for step in steps}:
        if (ROOT / path).exists():
            copy = tmp_path / path
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_text((ROOT / path).read_text())
    recipe.apply((ROOT / page).read_text(), tmp_path)
    assert (tmp_path / "template.yaml").read_text() != (ROOT / "template.yaml").read_text()
