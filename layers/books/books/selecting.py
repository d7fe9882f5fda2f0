"""Selects the hottest books: counts the window, ranks, and stores the ranking."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from books.counting.count import count
from books.counting.minutes import ViewStore
from books.ranking import BookInfo, Ranking, complete, top, window
from books.settings import RankingSettings


class Rankings(Protocol):
    """Where rankings are kept."""

    def put(self, ranking: Ranking) -> None:
        """Keep the ranking."""
        ...

    def latest(self) -> Ranking | None:
        """Return the latest ranking."""
        ...


class Catalogue(Protocol):
    """What is known of books."""

    def get(self, books: Iterable[str]) -> Mapping[str, BookInfo]:
        """Return what is known of these books."""
        ...


@dataclass(frozen=True, slots=True)
class Selected:
    """A new ranking; `unreadable`: the segments that were set aside for it."""

    ranking: Ranking
    unreadable: Sequence[str]


def select(
    views: ViewStore,
    rankings: Rankings,
    catalogue: Catalogue,
    settings: RankingSettings,
    now_ms: int,
) -> Selected:
    """Rank the books viewed most in the window that ends now, and store the ranking.

    Raises:
        StoreError, Throttled: a request failed; doing it again is harmless, and goes on with the
            minutes that are not folded yet.
    """
    within = window(now_ms, settings.window_minutes)
    counted = count(views, within, now_ms)
    best = top(counted.counts, settings.size)
    known = catalogue.get(entry.book for entry in best) if best else {}
    ranking = Ranking(
        entries=complete(best, known, rankings.latest()),
        window=within,
        computed_at_ms=now_ms,
        views=sum(counted.counts.values()),
        distinct_books=len(counted.counts),
        segments_left_out=counted.left_out,
    )
    rankings.put(ranking)
    return Selected(ranking, counted.unreadable)
