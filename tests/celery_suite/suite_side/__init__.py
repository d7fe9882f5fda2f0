"""What runs in Celery's environment, beside its suite."""
