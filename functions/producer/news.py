"""Posts and deletes news."""

import os
import uuid

from api import replies
from api.fields import PathId
from api.problems import not_found
from api.replies import Reply
from api.routing import Router
from functions.producer import observing
from functions.producer.models import NewsPost
from social import stores
from social.ids import RANDOM_BYTES, news_id
from social.news import News
from social.tasks import notify_friends
from taskqueue import clock
from taskqueue.lambdas import wiring
from taskqueue.message import Message
from taskqueue.records import states

router = Router()


@router.post("/users/<user>/news")
def post_news(user: PathId, post: NewsPost) -> Reply:
    """Store news and start the task that brings them to the user's friends."""
    now_ms = clock.now_ms()
    identity = news_id(now_ms, os.urandom(RANDOM_BYTES))
    news = News(identity, user, post.text, tuple(post.photos), now_ms)
    announcement = Message(
        task=notify_friends.name,
        id=str(uuid.uuid4()),
        args=(user, news.id),
        queue=notify_friends.queue,
    )
    _publish(news, announcement, now_ms)
    body = {"news_id": news.id, "task_id": announcement.id, "status": states.PENDING}
    event = router.current_event
    return replies.accepted(body, replies.location(event, f"/tasks/{announcement.id}"))


@router.delete("/users/<user>/news/<news>")
def delete_news(user: PathId, news: PathId) -> Reply:
    """Delete news; feeds leave them out from then on."""
    found = stores.news().get(news)
    if found is None or found.author_id != user:
        raise not_found("The user has no such news.")
    stores.news().delete(news)
    observing.logger.info("news deleted", extra={"news_id": news})
    return replies.no_content()


def _publish(news: News, announcement: Message, now_ms: int) -> None:
    """Store the news with the record of its announcement, and send that; all of it or nothing."""
    recorder = wiring.record_with(stores.news().new_item(news))
    wiring.sender().send(announcement, now_ms, recorder)
    extra = {"news_id": news.id, "task_id": announcement.id}
    observing.logger.info("news posted", extra=extra)
