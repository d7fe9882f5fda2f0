"""`taskqueue doctor`: reads a Celery app and says how it would fare here."""
