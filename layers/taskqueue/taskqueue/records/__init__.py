"""A task's record: its states, its claims and leases, and the stores that keep it."""
