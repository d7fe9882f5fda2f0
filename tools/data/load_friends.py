"""Loads friendships from a CSV file into the table of friends, in both directions.

    AWS_ENDPOINT_URL=http://localhost:4566 python -m tools.data.load_friends edges.csv

The account, or the local AWS, is that of the AWS_* environment. The whole file is checked before
anything is written. What is interrupted goes on where it was when it is started again, with the
same file and the same table; what is written twice does no harm.
"""

import argparse
import functools
import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from botocore.exceptions import BotoCoreError, ClientError
from tqdm import tqdm

from social.friends import FriendStore
from tools.data import loading
from tools.data.edge_list import EdgeList, read_edge_list
from tools.data.loading import add_table, put_patiently
from tools.errors import ToolError, run_tool, say
from tools.paths import LOCAL

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

# What is written between two entries in the log of what is done: 40 requests of 25 items.
EDGES_AT_ONCE = 500


@dataclass(frozen=True)
class Progress:
    """How far a file was loaded into a table: a small file that goes when all is done."""

    path: Path

    @classmethod
    def of(cls, edges: EdgeList, table_id: str, folder: Path) -> "Progress":
        """Return that of this content and this table, and no other of the same name."""
        key = sha256(f"{edges.digest} {table_id}".encode()).hexdigest()
        return cls(folder / key[:32])

    def load(self) -> int:
        """Return how many friendships are loaded."""
        try:
            return int(self.path.read_text())
        except (OSError, ValueError):
            return 0

    def save(self, loaded: int) -> None:
        """Note how many friendships are loaded."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(".new")
        written.write_text(str(loaded))
        written.replace(self.path)

    def clear(self) -> None:
        """Forget it: all is loaded."""
        self.path.unlink(missing_ok=True)


def load(
    edges: EdgeList,
    friends: FriendStore,
    progress: Progress,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Put the friendships that are not loaded yet, and show how far it is.

    Raises:
        ToolError: the table refused; to start again goes on.
    """
    loaded = progress.load()
    left = itertools.islice(edges.edges(), loaded, None)
    with tqdm(
        total=edges.rows, initial=loaded, unit=" friendships", unit_scale=True, disable=None
    ) as bar:
        for batch in itertools.batched(left, EDGES_AT_ONCE, strict=False):
            put_patiently(functools.partial(friends.put_many, batch), sleep)
            loaded += len(batch)
            progress.save(loaded)
            bar.update(len(batch))
    progress.clear()


def table_id(client: "DynamoDBClient", table: str) -> str:
    """Return what tells this table from an earlier one of the same name.

    Raises:
        ToolError: there is no such table, or it cannot be reached.
    """
    try:
        description = client.describe_table(TableName=table)["Table"]
    except (ClientError, BotoCoreError) as error:
        raise ToolError(f"the table {table} cannot be read: {error}") from None
    return f"{description['TableArn']} {description['CreationDateTime'].isoformat()}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Load the file that the command line names.

    Raises:
        ToolError: it cannot be loaded, or not to its end.
    """
    chosen = _parser().parse_args(arguments)
    edges = read_edge_list(chosen.path)
    client: DynamoDBClient = loading.client("dynamodb")
    table = chosen.table or loading.stack_output(chosen.stack, "FriendsTable")
    progress = Progress.of(edges, table_id(client, table), LOCAL / "load_friends")
    load(edges, FriendStore(client, table), progress)
    say(f"{edges.rows:,} friendships of {edges.path} are in {table}, in both directions")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.data.load_friends",
        description="Load friendships into the table of friends, in both directions.",
        epilog="What is interrupted goes on where it was when it is started again.",
    )
    parser.add_argument("path", type=Path, help="a CSV file with the header user_id,friend_id")
    add_table(parser)
    return parser


if __name__ == "__main__":
    run_tool(main)
