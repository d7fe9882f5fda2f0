"""One queue with all that happens around it: workers, burials, redrives, schedules, and time."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from aws_lambda_powertools import Logger

from taskqueue.app import App
from taskqueue.context import Context
from taskqueue.dead_letters.bury import bury
from taskqueue.dead_letters.letter import DeadLetter, read_letter
from taskqueue.dead_letters.redrive import Redriver
from taskqueue.errors import NotRedrivable, SendError, StoreError
from taskqueue.message import Message, decode
from taskqueue.records import states
from taskqueue.records.lease import Claim, Claimed, ClaimOutcome
from taskqueue.records.publishes import Publishes, of_publish
from taskqueue.sending.sender import Sender
from taskqueue.testing.broker import Redrive, lambda_event
from tests.unit.taskqueue.processes import Process
from tests.unit.taskqueue.rig import Rig

MAX_RECEIVES = 6
MAX_RETRIES = 2
# Lambda ends a process some seconds before its own time is over: no real timer is to ring.
LIFE_MS = 25_000
MINUTE_SECONDS, HOUR_MS = 60, 3_600_000
MAX_PUBLISHES = 4
WAITING = (states.PENDING, states.RETRY, states.STARTED)
CLOSED = (states.SUCCESS, states.REVOKED)


class MemoryLetters:
    """The dead letters that are kept."""

    def __init__(self) -> None:
        self.kept: dict[str, DeadLetter] = {}

    def put(self, letter: DeadLetter) -> None:
        self.kept[letter.id] = letter

    def delete(self, letter_id: str) -> None:
        self.kept.pop(letter_id, None)


@dataclass
class Run:
    """One call of a task's function, for one turn of the task."""

    task_id: str
    turn: int
    process: Process
    is_running: bool = True


class World:
    """A queue whose tasks fail as often as they are told to, and what is known of each of them."""

    def __init__(self) -> None:
        app = App("test", queue="work")
        app.task(
            name="work",
            bind=True,
            autoretry_for=(ConnectionError,),
            retry_backoff=1,
            max_retries=MAX_RETRIES,
        )(self._work)
        self.rig = Rig(app, logger=Logger(service="quiet", level="CRITICAL"))
        self.rig.broker.redrive = Redrive(MAX_RECEIVES, self.rig.dead_letters.url)
        self.scheduler = self.rig.schedule_far()
        self.letters = MemoryLetters()
        self.processes: list[Process] = []
        self.sent: dict[str, Message] = {}
        self.published: dict[str, list[Message]] = {}
        self.failures: dict[str, int] = {}
        self.revoked: set[str] = set()
        self.closed: dict[str, str] = {}
        self.sent_at_ms: dict[str, int] = {}
        self.runs: list[Run] = []
        self.claims: list[tuple[str, Process]] = []
        self.wrong: list[str] = []
        self._active: Process | None = None
        claim = self.rig.store.claim
        self.rig.store.claim = functools.partial(self._claim, claim)  # type: ignore[method-assign]

    # ------------------------------------------------------------ what happens

    def send(self, message: Message, failures: int, *, is_own: bool) -> None:
        """Send a task as this project's client does, or as a stock Celery client."""
        self.sent[message.id], self.failures[message.id] = message, failures
        self.published[message.id] = [message]
        self.sent_at_ms[message.publish or message.id] = self.rig.now_ms
        if is_own:
            queues = {self.rig.queue.name: self.rig.queue}
            sqs: Any = self.rig.broker
            sender = Sender(sqs, self.rig.store, queues, self.rig.delayed)
            sender.send(message, self.rig.now_ms)
        else:
            self.rig.send(message)

    def publish_again(self, task_id: str) -> None:
        """Let a stock Celery client publish a task once more under its id."""
        is_out = any(one.id == task_id for one in self._messages())
        if self.rig.store.get(task_id) is None and not is_out:
            self.forget(task_id)
            self.published[task_id] = []
        elif self.closed.get(task_id) == states.SUCCESS:
            del self.closed[task_id]
        tag = f"{task_id}-{len(self.sent_at_ms)}"
        message = replace(self.sent[task_id], publish=tag)
        self.published[task_id].append(message)
        self.sent_at_ms[tag] = self.rig.now_ms
        self.rig.send(message)

    def may_be_published_again(self) -> list[str]:
        """Return the tasks that have ended within minutes, whatever happens to them."""
        return [
            task_id
            for task_id, message in self.sent.items()
            if message.args[0] <= MINUTE_SECONDS
            and (message.eta_ms or 0) - self.sent_at_ms[message.publish or task_id] <= HOUR_MS
            and len(self.published[task_id]) < MAX_PUBLISHES
        ]

    def send_a_copy(self, message: Message) -> None:
        """Let SQS deliver a message once more, until it is 14 days old."""
        self.rig.send(message)
        copy = self.rig.broker.messages(self.rig.queue.url)[-1]
        copy.sent_at_ms = self.sent_at_ms[message.publish or message.id]

    def start_worker(self, number: int, *, loses_acknowledgement: bool = False) -> Process:
        """Let a new worker receive so many messages."""
        process = self._process()
        self.scheduler.run_due()
        received = self.rig.receive(number)
        worker = self.rig.worker(fuse=process)
        return self._start(process, lambda: self._handle(worker, received, loses_acknowledgement))

    def start_burial(self) -> Process:
        """Let the function of the dead letters receive one."""
        process = self._process()
        url = self.rig.dead_letters.url
        received = self.rig.broker.receive_message(QueueUrl=url)["Messages"]
        return self._start(process, lambda: self._bury(process, received))

    def start_redrive(self, letter: DeadLetter) -> Process:
        """Let someone redrive a letter."""
        process = self._process()
        return self._start(process, lambda: self._redrive(process, letter))

    def go_on(self, process: Process, faults: dict[str, Exception] | None = None) -> None:
        """Let a process make its next call."""
        self._active = process
        process.go_on(faults)
        self._active = None
        self.processes = [one for one in self.processes if not one.is_over]
        self.look()

    def finish(self, process: Process) -> None:
        """Let a process make all its calls."""
        while not process.is_over:
            self.go_on(process)

    def kill(self, process: Process) -> None:
        """End a process where it stands."""
        process.die()
        self.processes.remove(process)

    def mend(self, process: Process) -> None:
        """Let the tasks that a process ran succeed from now on."""
        self.failures |= {run.task_id: 0 for run in self.runs if run.process is process}

    def let_time_pass(self, ms: int) -> None:
        """Move the clock; Lambda ends the processes whose time is over by then."""
        self.rig.now_ms += ms
        for process in list(self.processes):
            if self.rig.now_ms >= process.dies_at_ms:
                self.kill(process)

    def live_for(self, ms: int) -> None:
        """Let time pass with workers that live, which do what falls due."""
        for process in list(self.processes):
            self.finish(process)
        end_ms = self.rig.now_ms + ms
        while (next_ms := self._next_ms()) is not None and next_ms <= end_ms:
            self.rig.now_ms = max(self.rig.now_ms, next_ms)
            self.finish(self.start_worker(10))
            self.finish(self.start_burial())
        self.rig.now_ms = max(self.rig.now_ms, end_ms)

    def has_visible(self) -> bool:
        """Whether a worker would receive something now."""
        return any(one.visible_at_ms <= self.rig.now_ms for one in self.rig.waiting())

    def has_letters_to_bury(self) -> bool:
        """Whether the function of the dead letters would receive something, now or later."""
        return bool(self.rig.broker.messages(self.rig.dead_letters.url))

    def forget(self, task_id: str) -> None:
        """Know no more of a task than its record does, which is gone."""
        self.closed.pop(task_id, None)
        self.revoked.discard(task_id)
        self.runs = [one for one in self.runs if one.task_id != task_id]

    # ------------------------------------------------------------ what is so, at any time

    def look(self) -> None:
        """Check what must be so after every call of any process."""
        assert not self.wrong, self.wrong
        messages = self._messages()
        letters = {letter.task_id for letter in self.letters.kept.values()}
        for task_id in self.sent:
            record = self.rig.store.get(task_id)
            unheard = self._unheard(task_id)
            is_last = record and (record.status == states.REVOKED or not unheard)
            if record and is_last and record.status in CLOSED:
                self.closed.setdefault(task_id, record.status)
            known = self.closed.get(task_id)
            assert record is None or known in (None, record.status), f"{task_id} was {known}"
            if known is None and task_id not in letters:
                out = [one for one in messages if one.id == task_id]
                lost = [tag for tag in unheard if tag not in {one.publish for one in out}]
                assert not lost, f"{task_id} was published, and is lost"
                turn = record.turn if record and record.status in WAITING else 0
                assert any(self._turn(one) >= turn for one in out), f"{task_id} is lost"

    def _turn(self, message: Message) -> int:
        """Return the turn of a message, as its record counts turns."""
        row = self.rig.store._rows.get(message.id)
        publishes = row.held.publishes if row else Publishes()
        return of_publish(message, publishes.number_of(message)).turn

    def _unheard(self, task_id: str) -> list[str | None]:
        """Return the tags of those publishes of a task that its record does not know."""
        row = self.rig.store._rows.get(task_id)
        publishes = row.held.publishes if row else Publishes(-1, b"")
        return [one.publish for one in self.published[task_id] if publishes.is_next(one)]

    def check_ends(self) -> None:
        """Check, when nothing is on its way any more, that each task ended as it had to."""
        assert not self._messages()
        letters = {letter.task_id for letter in self.letters.kept.values()}
        for task_id, message in self.sent.items():
            record = self.rig.store.get(task_id)
            status = self.closed.get(task_id) or (record.status if record else states.FAILURE)
            unheard = self._unheard(task_id) if record else []
            assert not unheard or status == states.REVOKED or task_id in letters
            match status:
                case states.SUCCESS:
                    assert self.failures[task_id] <= MAX_RETRIES
                case states.REVOKED:
                    assert task_id in self.revoked or message.expires_at_ms is not None
                case states.FAILURE:
                    assert task_id in letters, f"{task_id} failed, and nobody was told"
                case states.PENDING:
                    # A redrive was cut short: its letter is still there, for the next.
                    assert task_id in letters, f"{task_id} waits for nothing"
                case _:
                    raise AssertionError(f"{task_id} reads {status}")

    # ------------------------------------------------------------ the task

    def _work(self, run: Context, wait_seconds: int) -> int:
        this, failures = self._begin(run), self.failures[run.id]
        try:
            run.set_progress(run.attempt)
            self.rig.now_ms += 400
            if run.retries < failures:
                if wait_seconds:
                    run.retry(countdown=wait_seconds, exc=ConnectionError)
                raise ConnectionError
            return failures
        finally:
            this.is_running = False

    def _begin(self, run: Context) -> Run:
        assert self._active is not None
        this = Run(run.id, run.message.turn, self._active)
        if run.now_ms() < (run.message.eta_ms or 0):
            self.wrong.append(f"{run.id} ran early")
        if run.id in self.closed or run.id in self.revoked:
            self.wrong.append(f"{run.id} ran though it was {self.closed.get(run.id)}")
        for earlier in self.runs:
            if earlier.task_id != run.id:
                continue
            if earlier.is_running:
                self.wrong.append(f"{run.id} ran twice at once")
            if earlier.turn == this.turn and not earlier.process.is_disturbed:
                self.wrong.append(f"{run.id} ran again in turn {this.turn} for no reason")
        self.runs.append(this)
        return this

    # ------------------------------------------------------------ the processes

    def _claim(self, claim: Any, claims: Sequence[Claim], now_ms: int) -> list[ClaimOutcome]:
        """Claim; no more workers are said to have died over a task than may have."""
        assert self._active is not None
        outcomes: list[ClaimOutcome] = claim(claims, now_ms)
        for one, outcome in zip(claims, outcomes, strict=True):
            if isinstance(outcome, Claimed):
                task_id = one.message.id
                before = [process for claimed, process in self.claims if claimed == task_id]
                if outcome.lost > sum(process.may_leave_leases for process in before):
                    self.wrong.append(f"{task_id}: {outcome.lost} workers are said to have died")
                self.claims.append((task_id, self._active))
        return outcomes

    def _process(self) -> Process:
        return Process(self.rig.clock, self.rig.now_ms + LIFE_MS)

    def _start(self, process: Process, run: Any) -> Process:
        self.processes.append(process)
        self._active = process
        process.start(run)
        self._active = None
        if process.is_over:
            self.processes.remove(process)
        return process

    def _handle(self, worker: Any, received: list[Any], loses_acknowledgement: bool) -> None:
        self.rig.work(worker, received, loses_acknowledgement)

    def _bury(self, process: Process, received: list[Any]) -> None:
        queues = {self.rig.queue.name: self.rig.queue}
        letters, store = process.wrap(self.letters), process.wrap(self.rig.store)
        sender = Sender(process.wrap(self.rig.broker), store, queues)
        for message, record in zip(
            received, lambda_event(self.rig.dead_letters, received)["Records"], strict=True
        ):
            now_ms = self.rig.now_ms
            try:
                bury(read_letter(record, queues, now_ms), letters, store, now_ms, sender)
            except StoreError:
                continue
            self.rig.broker.delete_message(
                QueueUrl=self.rig.dead_letters.url, ReceiptHandle=message["ReceiptHandle"]
            )

    def _redrive(self, process: Process, letter: DeadLetter) -> None:
        redriver = Redriver(
            process.wrap(_RedrivingBroker(self, letter)),
            process.wrap(self.rig.store),
            process.wrap(self.letters),
            {self.rig.queue.name: self.rig.queue},
        )
        try:
            redriver.redrive(letter, self.rig.now_ms)
        except (NotRedrivable, StoreError, SendError):
            return

    # ------------------------------------------------------------ what is on its way

    def _next_ms(self) -> int | None:
        broker, rig = self.rig.broker, self.rig
        messages = (*broker.messages(rig.queue.url), *broker.messages(rig.dead_letters.url))
        times = [message.visible_at_ms for message in messages]
        return min([*times, *(one.at_ms for one in self.scheduler.schedules)], default=None)

    def _messages(self) -> list[Message]:
        """Return what waits on a queue, is being handled, or is to be sent by a schedule."""
        broker, rig = self.rig.broker, self.rig
        messages = (*broker.messages(rig.queue.url), *broker.messages(rig.dead_letters.url))
        bodies = [message.body for message in messages]
        bodies += [one.target["Input"] for one in self.scheduler.schedules]
        return [_decoded(body) for body in bodies]


@dataclass
class _RedrivingBroker:
    """Sends a letter again. Where its task's record is gone, the task is taken for a new one."""

    world: World
    letter: DeadLetter

    def send_message(self, **request: Any) -> Any:
        task_id = self.letter.task_id
        if task_id and self.world.rig.store.get(task_id) is None:
            self.world.forget(task_id)
        return self.world.rig.broker.send_message(**request)


@functools.lru_cache
def _decoded(body: str) -> Message:
    return decode(body)
