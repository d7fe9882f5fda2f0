"""The stores of the deployed stack, made when first asked for, from the environment."""

import os
from functools import cache

from books.catalogue_store import CatalogueStore
from books.counting.store import DynamoViewStore
from books.ranking_store import RankingStore
from books.settings import RankingSettings
from taskqueue.lambdas.clients import client


@cache
def settings() -> RankingSettings:
    """Return the parameters of the ranking."""
    return RankingSettings.of(os.environ)


@cache
def views() -> DynamoViewStore:
    """Return the store of the table VIEWS_TABLE."""
    return DynamoViewStore(
        client("dynamodb"),
        os.environ["VIEWS_TABLE"],
        settings().window_minutes,
        settings().view_shards,
    )


@cache
def rankings() -> RankingStore:
    """Return the store of the table RANKINGS_TABLE."""
    return RankingStore(client("dynamodb"), os.environ["RANKINGS_TABLE"])


@cache
def catalogue() -> CatalogueStore:
    """Return the store of the table CATALOGUE_TABLE."""
    return CatalogueStore(client("dynamodb"), os.environ["CATALOGUE_TABLE"])
