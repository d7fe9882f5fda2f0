"""The bodies that the write side takes. The gateway's models check the same, less closely."""

from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from api.fields import Key
from api.times import MAX_TIME_LENGTH

# A page of a feed has to fit the 6 MB of a function's response: functions/query/feeds.py.
MAX_NEWS_LENGTH = 5_000
MAX_PHOTOS = 10
MAX_LINK_LENGTH = 2_048
MAX_AHEAD_SECONDS = 366 * 24 * 60 * 60

Seconds = Annotated[float, Field(ge=0, le=MAX_AHEAD_SECONDS, allow_inf_nan=False)]
Time = Annotated[str, StringConstraints(max_length=MAX_TIME_LENGTH)]


def _check_link(link: str) -> str:
    try:
        parts = urlsplit(link)
    except ValueError:
        raise ValueError("is not a link") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("must be a link that begins with http:// or https://")
    if not link.isascii() or not link.isprintable() or " " in link:
        raise ValueError("must hold only visible characters of ASCII, others as %XX (RFC 3986)")
    return link


Link = Annotated[str, StringConstraints(max_length=MAX_LINK_LENGTH), AfterValidator(_check_link)]


class TaskCall(BaseModel):
    """`POST /tasks/{task}`. `expires` is a time, or seconds from now; `countdown` is in seconds."""

    model_config = ConfigDict(extra="forbid", strict=True)

    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    countdown: Seconds | None = None
    eta: Time | None = None
    expires: Seconds | Time | None = None
    task_id: Key | None = None


class NewsPost(BaseModel):
    """`POST /users/{user}/news`. `photos` are links."""

    model_config = ConfigDict(extra="forbid", strict=True)

    text: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NEWS_LENGTH)
    ]
    photos: Annotated[list[Link], Field(max_length=MAX_PHOTOS)] = []
