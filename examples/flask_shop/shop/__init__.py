"""A web shop: Flask answers its customers, Celery does what they need not wait for."""

from flask import Flask

from shop.background import init_celery
from shop.orders import orders

_CELERY = {
    "task_default_queue": "orders",
    "task_ignore_result": False,
    "timezone": "Europe/London",
    "beat_schedule": {
        "stock-taking": {"task": "shop.tasks.take_stock", "schedule": 20, "args": ("shelf",)},
    },
}


def create_app() -> Flask:
    """Make the web service. `FLASK_CELERY__broker_url` and the like say where its queue is."""
    app = Flask(__name__)
    app.config.from_mapping(
        CELERY=dict(_CELERY), PRICES={"bread": 3.5, "jam": 4.25, "tea": 7.0, "caviar": 120.0}
    )
    app.config.from_prefixed_env()
    init_celery(app)
    app.register_blueprint(orders)
    return app
