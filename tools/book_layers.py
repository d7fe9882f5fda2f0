"""What the tools use of the books layer, which a Lambda finds on its path and a tool does not."""

import sys

from tools.paths import ROOT

sys.path.extend(str(ROOT / "layers" / name) for name in ("taskqueue", "books"))

from books.catalogue_store import MAX_PUTS, CatalogueStore
from books.ranking import BookInfo
from books.views import MAX_BOOK_LENGTH, MAX_VIEWS, is_book
from taskqueue.errors import StoreError, Throttled

__all__ = [
    "MAX_BOOK_LENGTH",
    "MAX_PUTS",
    "MAX_VIEWS",
    "BookInfo",
    "CatalogueStore",
    "StoreError",
    "Throttled",
    "is_book",
]
