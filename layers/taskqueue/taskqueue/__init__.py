"""A task queue on managed AWS services that speaks Celery's wire formats."""
