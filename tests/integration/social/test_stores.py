"""The stores as a Lambda makes them: from the environment, when first asked for."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from social import stores
from social.news import News
from taskqueue.lambdas import clients
from tests.support.dynamodb_tables import FEEDS, FRIENDS, NEWS, create_table

MADE_ONCE: tuple[Any, ...] = (
    stores.friends,
    stores.news,
    stores.feeds,
    clients.client,
    clients._session,
)


@pytest.fixture
def _tables(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("FEED_TTL_SECONDS", "3600")
    _forget()
    with mock_aws():
        client = boto3.client("dynamodb")
        for name, keys in {"FRIENDS": FRIENDS, "NEWS": NEWS, "FEEDS": FEEDS}.items():
            monkeypatch.setenv(f"{name}_TABLE", create_table(client, *keys))
        yield
    _forget()


def _forget() -> None:
    for made in MADE_ONCE:
        made.cache_clear()


@pytest.mark.usefixtures("_tables")
def test_each_store_has_its_table_and_is_made_once() -> None:
    post = News("n1", "80", "text", (), 1)
    stores.friends().befriend("80", "1")
    stores.news().put(post)
    stores.feeds().deliver(["1"], "n1", "80", 2_000)

    assert stores.friends().page("1", None, 10).ids == ("80",)
    assert stores.news().batch_get(["n1"]) == {"n1": post}
    assert len(stores.feeds().page("1", None, 10, now_ms=0).entries) == 1
    assert stores.feed_ttl_seconds() == 3_600
    assert stores.friends() is stores.friends()
