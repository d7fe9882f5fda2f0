"""Running tasks: a batch of messages in, the ids of those that must come back out."""
