"""Types of the fields that several routes take: ids, page sizes, cursors."""

from typing import Annotated
from urllib.parse import unquote

from aws_lambda_powertools.event_handler.openapi.params import Path, Query
from pydantic import BeforeValidator, Field, StringConstraints

# Ids stand in paths, keys and logs: no character that needs quoting in any of them.
ID_PATTERN = r"^[A-Za-z0-9._~@:-]+$"
MAX_ID_LENGTH = 128
# https://docs.celeryq.dev: ids of tasks are UUIDs, but a caller may choose its own.
MAX_TASK_ID_LENGTH = 255
MAX_NAME_LENGTH = 255
DEFAULT_PAGE = 20
MAX_PAGE = 100

_IdText = StringConstraints(pattern=ID_PATTERN, min_length=1, max_length=MAX_ID_LENGTH)
_TaskIdText = StringConstraints(pattern=ID_PATTERN, min_length=1, max_length=MAX_TASK_ID_LENGTH)
# Whether API Gateway has decoded the path depends on the kind of API.
_Decoded = BeforeValidator(unquote)

Id = Annotated[str, _IdText]
TaskId = Annotated[str, _TaskIdText]
PathId = Annotated[str, Path(), _Decoded, _IdText]
PathTaskId = Annotated[str, Path(), _Decoded, _TaskIdText]
PathName = Annotated[str, Path(), _Decoded, StringConstraints(max_length=MAX_NAME_LENGTH)]
Limit = Annotated[int, Query(ge=1, le=MAX_PAGE)]
Cursor = Annotated[str, Query(max_length=2_000)]
QueueName = Annotated[str, Query(), Field(pattern=ID_PATTERN, max_length=80)]
