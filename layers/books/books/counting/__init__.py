"""Views as they are counted: segments as they arrive, one summary a minute once it is closed."""
