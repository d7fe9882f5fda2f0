"""What a Celery app's tasks cost on this project's worker, beside stock workers."""
