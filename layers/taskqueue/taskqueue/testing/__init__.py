"""Queues, records and workers in memory, for unit tests."""

from taskqueue.testing.in_memory import InMemory

__all__ = ["InMemory"]
