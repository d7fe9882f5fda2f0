"""What a log line says of an exception: its type and where it was raised, never its text.

The text, and the lines of source that a traceback shows, may quote a task's arguments.
"""

import traceback
from typing import Any

from botocore.exceptions import ClientError

from taskqueue.aws.errors import error_code

# A recursion without end has a thousand frames, which do not fit a line of the log.
MAX_FRAMES = 20


def error_fields(error: BaseException, raised: BaseException | None = None) -> dict[str, Any]:
    """Return the fields of a line about `error`.

    `error`: the name of its type. `cause`: that of the error it was raised from, if there is one;
    `aws_error` and `aws_operation`: where that is AWS's answer, its code, and what was asked for.
    `trace`: the last places that it came through, the innermost last, each as `file:line function`;
    those of `raised` where that is what was thrown.
    """
    # By `is`: an exception may be false, or raise when it is asked.
    cause = error.__context__ if error.__cause__ is None else error.__cause__
    frames = traceback.walk_tb((error if raised is None else raised).__traceback__)
    places = [f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}" for frame, line in frames]
    return {
        "error": type(error).__name__,
        **({} if cause is None else {"cause": type(cause).__name__}),
        **(_answer_of_aws(cause) or _answer_of_aws(error)),
        "trace": places[-MAX_FRAMES:],
    }


def _answer_of_aws(error: BaseException | None) -> dict[str, Any]:
    if not isinstance(error, ClientError):
        return {}
    return {"aws_error": error_code(error), "aws_operation": error.operation_name}
