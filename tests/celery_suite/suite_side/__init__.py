"""What runs in Celery's environment, beside its suite, with nothing of this project imported."""
