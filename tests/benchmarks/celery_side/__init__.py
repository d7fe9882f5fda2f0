"""What runs in Celery's own virtual environment, with nothing of this project imported."""
