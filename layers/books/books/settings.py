"""The parameters of the ranking, from a function's environment."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RankingSettings:
    """For how long views count, how many books are listed, and how often that is done anew.

    `view_shards`: over how many shards the views of a minute are spread.
    """

    window_minutes: int
    size: int
    period_seconds: int
    view_shards: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "RankingSettings":
        """Read the settings; each has the value of the design where it is not set."""
        return cls(
            window_minutes=int(environment.get("RANKING_WINDOW_MINUTES", 60)),
            size=int(environment.get("RANKING_SIZE", 10)),
            period_seconds=int(environment.get("RANKING_PERIOD_SECONDS", 100)),
            view_shards=int(environment.get("VIEW_SHARDS", 4)),
        )
