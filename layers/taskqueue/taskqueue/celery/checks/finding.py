"""What was found in an app."""

from typing import NamedTuple


class Finding(NamedTuple):
    """`subject`: the setting, task or schedule; `text`: what of it, and what to do."""

    subject: str
    text: str

    def __str__(self) -> str:
        """Return it as one line."""
        return f"{self.subject} {self.text}"
