"""The pages have the template's tables, and what the roles may do with them."""

import re
from itertools import product
from pathlib import Path

import pytest

from tests.support import cloudformation as cfn
from tests.unit.docs import shipped

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "reference" / "data-model.md").read_text()
ARROW = re.compile(r"^    (\w+(?: & \w+)*) (<?-->) (\w+(?: & \w+)*)$", re.MULTILINE)
READS = re.compile(r"dynamodb:\w*(Get|Query|Scan|Select)")


def cells(row: str) -> list[str]:
    return [cell.strip() for cell in row.strip("|").split("|")]


def row(text: str, name: str) -> list[str]:
    (found,) = re.findall(rf"^\| {re.escape(name)} \|.*\|$", text, re.MULTILINE)
    return cells(found)[1:]


def access(role: str, table: str) -> str:
    actions = cfn.allowed(role, table)
    reads = {action for action in actions if READS.match(action)}
    return ("r" if reads else "") + ("w" if actions - reads else "")


@pytest.mark.parametrize("table", cfn.TABLES)
def test_key_and_ttl_of_a_table(table: str) -> None:
    name = table.removesuffix("Table")
    properties = cfn.TABLES[table]
    keys = ", ".join(f"`{key['AttributeName']}`" for key in properties["KeySchema"])
    ttl = properties.get("TimeToLiveSpecification", {}).get("AttributeName")
    assert row(PAGE, f"[{name}](#{name.lower()})")[:2] == [keys, f"`{ttl}`" if ttl else ""]


@pytest.mark.parametrize("table", cfn.TABLES)
def test_who_reads_and_who_writes_a_table(table: str) -> None:
    matrix = PAGE.partition("## Who reads and who writes")[2]
    functions = cells(re.findall(r"^\|.*\|$", matrix, re.MULTILINE)[0])[1:]
    roles = {role.removesuffix("Role").lower(): role for role in shipped.ROLES}
    assert {*functions} == {*roles} - {"scheduler"}
    found = [access(roles[function], table) for function in functions]
    assert row(matrix, table.removesuffix("Table")) == found


def drawn() -> dict[tuple[str, str], str]:
    """What the arrows of the architecture page say of a function and a table."""
    names = {table.removesuffix("Table") for table in cfn.TABLES}
    found = {}
    for left, arrow, right in ARROW.findall((DOCS / "architecture.md").read_text()):
        for one, other in product(left.split(" & "), right.split(" & ")):
            if one in names:
                found[other, one] = "r"
            elif other in names:
                found[one, other] = "rw" if arrow == "<-->" else "w"
    return found


@pytest.mark.parametrize("role", sorted(shipped.ROLES - {"SchedulerRole"}))
def test_the_picture_has_every_arrow_between_a_function_and_a_table(role: str) -> None:
    function, arrows = role.removesuffix("Role").lower(), drawn()
    for table in cfn.TABLES:
        name = table.removesuffix("Table")
        assert arrows.get((function, name), "") == access(role, table), (function, name)
