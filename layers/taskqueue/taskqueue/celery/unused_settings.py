"""Which of an app's settings mean nothing here: there is no broker of Celery's and no worker."""

from collections.abc import Sequence

from celery import Celery
from celery.app.defaults import SETTING_KEYS

_PREFIXES = ("worker_", "broker_", "control_", "event_", "beat_", "redis_", "database_")
_NAMES = frozenset(
    {
        "result_backend",
        "result_expires",
        "task_acks_late",
        "task_default_delivery_mode",
        "task_default_exchange",
        "task_default_exchange_type",
        "task_queue_max_priority",
        "task_send_sent_event",
        "task_track_started",
    }
)
_USED = frozenset({"beat_schedule"})
_WITHOUT_MEANING = [
    name
    for name in SETTING_KEYS
    if (name in _NAMES or name.startswith(_PREFIXES)) and name not in _USED
]


def without_meaning(app: Celery) -> Sequence[str]:
    """Return the names of the settings that the app sets, and that mean nothing here, sorted."""
    # In whatever spelling the app gives them: an old one, or with a prefix of its own.
    return sorted(name for name in _WITHOUT_MEANING if app.conf.value_set_for(name))
