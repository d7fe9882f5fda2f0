"""Show that a task that raises, raises in the client: what is sent as a user id is not one.

python fail.py
"""

from tasks import notify_friends


def main() -> None:
    """Send a task that cannot succeed and print the exception that `get` raises."""
    result = notify_friends.delay("not a user id", "none")
    try:
        result.get(timeout=60)
    except Exception as error:  # noqa: BLE001 - whatever the task raised
        print(f"{type(error).__name__}: {error}")


if __name__ == "__main__":
    main()
