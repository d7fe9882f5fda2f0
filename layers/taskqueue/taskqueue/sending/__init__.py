"""Sending tasks: the record first, then the message; now, later, or much later."""
