"""A task's record: its states, its lease, and the stores that keep it."""
