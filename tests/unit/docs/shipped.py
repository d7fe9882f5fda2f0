"""What the pages describe: the queues that the project ships. A user's own need no page."""

from tests.support import cloudformation as cfn

_QUEUES = {
    *("notificationsQueue", "viewsQueue", "rankingsQueue", "canvasQueue"),
    cfn.DEAD_LETTER_QUEUE,
}
_OTHERS = [function for function, queue, _ in cfn.event_sources() if queue not in _QUEUES]
ROLES = set(cfn.ROLES) - {cfn.role(function) for function in _OTHERS}
OTHER_FOLDERS = {cfn.folder(function) for function in _OTHERS}
