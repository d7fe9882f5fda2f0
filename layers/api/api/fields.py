"""Types of the fields that several routes take: ids, names, sizes of pages."""

from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BeforeValidator, StringConstraints

from taskqueue.message import MAX_ID_LENGTH as MAX_TASK_ID_LENGTH
from taskqueue.sending.call import TASK_ID_PATTERN

# A user's or a piece of news' id, as `social.ids` has it: as it stands in a URL (RFC 3986, 2.3).
ID_PATTERN = r"^[A-Za-z0-9][A-Za-z0-9._~-]*$"
MAX_RESOURCE_ID_LENGTH = 128
# The id of a task or a dead letter; a task's may be its caller's own, and a schedule's slot.
KEY_PATTERN = TASK_ID_PATTERN
MAX_KEY_LENGTH = MAX_TASK_ID_LENGTH
MAX_PATH_NAME_LENGTH = 255
DEFAULT_PAGE = 20
MAX_PAGE = 100

_IdText = StringConstraints(pattern=ID_PATTERN, max_length=MAX_RESOURCE_ID_LENGTH)
_KeyText = StringConstraints(pattern=KEY_PATTERN, max_length=MAX_KEY_LENGTH)
# Whether API Gateway has decoded the path depends on the kind of API.
_Decoded = BeforeValidator(unquote)

Key = Annotated[str, _KeyText]
PathId = Annotated[str, Path(), _IdText, _Decoded]
PathKey = Annotated[str, Path(), _KeyText, _Decoded]
PathName = Annotated[str, Path(), StringConstraints(max_length=MAX_PATH_NAME_LENGTH), _Decoded]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
IdCursor = Annotated[str | None, Query(), _IdText]
KeyCursor = Annotated[str | None, Query(), _KeyText]
QueueName = Annotated[str, Query(), _KeyText]
