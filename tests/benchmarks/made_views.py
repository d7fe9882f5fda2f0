"""Views that are made up: of books whose popularity is skewed, the same for the same seed."""

import itertools
import random
from collections.abc import Iterator

from books.views import MINUTE_MS, View

_SKEW = 0.5


class MadeViews:
    """Draws views of `books` books; book `i` is drawn in proportion to `i ** -_SKEW`."""

    def __init__(self, books: int, seed: int) -> None:
        self._books = [f"book-{number}" for number in range(books)]
        weights = (number**-_SKEW for number in range(1, books + 1))
        self._cumulated = list(itertools.accumulate(weights))
        self._random = random.Random(seed)

    def draw(self, count: int, at_ms: int) -> list[View]:
        """So many views at one time."""
        drawn = self._random.choices(self._books, cum_weights=self._cumulated, k=count)
        return [View(book, at_ms) for book in drawn]

    def minute(self, minute: int, count: int, per_message: int) -> Iterator[tuple[str, list[View]]]:
        """The views of a minute as messages: their ids and contents."""
        for start in range(0, count, per_message):
            size = min(per_message, count - start)
            yield f"{minute}-{start}", self.draw(size, minute * MINUTE_MS)
