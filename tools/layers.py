"""What the tools use of the layers, which a Lambda finds on its path and a tool does not."""

import sys

from tools.paths import ROOT

sys.path.extend(str(ROOT / "layers" / name) for name in ("taskqueue", "social"))

from social.batches import Batches
from social.friends import FriendStore
from social.ids import InvalidId, check_id
from taskqueue.errors import StoreError, Throttled

__all__ = ["Batches", "FriendStore", "InvalidId", "StoreError", "Throttled", "check_id"]
