"""The one worker of this Blender, and the one job that it may have.

Nothing here knows bpy: a job is a small state machine that hears the worker's messages, driven
by ``WorkerSession.tick`` from a modal operator, a loop in a script, or a test with its own clock.

    READING -> STARTING -> LOADING -> GENERATING -> SUCCEEDED | FAILED | CANCELLED

A job that needs nothing of the scene but what the press of the button tells skips READING.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

from ...common.errors import MMMError
from ...worker.client import JobMessage, JobResult, WorkerClient
from ...worker.preview_messages import Previewed
from ...worker.protocol import (
    STAGE_IMPORTING,
    STAGE_LOADING,
    BundleLoaded,
    Failed,
    FailureKind,
    JsonObject,
    LoadBundle,
    Progress,
    Ready,
    Status,
    WorkerError,
    WorkerMessage,
)
from ...worker.wire import encode

if TYPE_CHECKING:
    from .preview_stage import PreviewStage

MAIN_PANEL = "motion"
"""The panel that says how a job ended which was started from nowhere else."""

START_SECONDS = 180.0
"""A worker that has not greeted by then never will (a cold disk needs half a minute for torch)."""

_SHARE_OF_READING = 0.1
_SHARE_OF_WAITING = 0.15
"""Parts of the progress bar that stand for reading, and for all that goes before the model."""

Connect = Callable[[Path], WorkerClient]
Clock = Callable[[], float]


class State(Enum):
    """Where a job stands; the value is what the progress bar says."""

    READING = "Reading the motion"
    STARTING = "Starting the model"
    LOADING = "Loading"
    GENERATING = "Generating"
    IMPORTING = "Importing"
    SUCCEEDED = "Done"
    FAILED = "Failed"
    CANCELLED = "Cancelled"


_RUNNING = (State.READING, State.STARTING, State.LOADING, State.GENERATING, State.IMPORTING)
_STEPPED = (State.GENERATING, State.IMPORTING)
_STAGES = {STAGE_LOADING: State.LOADING, STAGE_IMPORTING: State.IMPORTING}


@dataclass(frozen=True)
class Notice:
    """The last thing that the panel has to say. kind: of a failure, so that the panel can offer
    the button that helps."""

    text: str = ""
    is_error: bool = False
    kind: FailureKind | None = None


@dataclass(eq=False)
class Job:
    """One request, from the press of the button to its answer. Times are the session's clock's.

    read: how much of the motion is read, 0 to 1. sent_at: when the worker was given the job.
    asked_for: what stands for its message and its bundle. label: which of several it is, for the
    progress bar. preview: what was made of it last, for its stage in the scene.
    """

    number: int
    started_at: float
    state: State = State.STARTING
    read: float = 0.0
    sent_at: float = 0.0
    step: int = 0
    steps: int = 0
    kind: FailureKind | None = None
    sentence: str = ""
    result: JobResult | None = None
    asked_for: str = ""
    label: str = ""
    stage: PreviewStage | None = None
    preview: Previewed | None = None

    @property
    def running(self) -> bool:
        """The answer is still to come."""
        return self.state in _RUNNING

    @property
    def fraction(self) -> float:
        """How far it is, 0 to 1, for a progress bar that never goes back."""
        if self.state in (State.READING, State.STARTING):
            return _SHARE_OF_READING * self.read
        if self.state is State.LOADING:
            return (_SHARE_OF_READING + _SHARE_OF_WAITING) / 2
        if self.state in _STEPPED and self.steps:
            return _SHARE_OF_WAITING + (1.0 - _SHARE_OF_WAITING) * self.step / self.steps
        return _SHARE_OF_WAITING if self.running else 1.0

    def text(self, now: float) -> str:
        """What goes on, with the seconds that it takes, so that nobody thinks it hangs."""
        step = f" {self.step} of {self.steps}" if self.state in _STEPPED else ""
        which = f"{self.label}: " if self.label else ""
        seconds = f"({now - self.started_at:.0f} s)"
        return f"{which}{self.state.value}{step if self.steps else ''} {seconds}"

    def hear(self, message: WorkerMessage) -> None:
        """Take in a message; what belongs to another job is none of this one's business."""
        if not self.running:
            return
        match message:
            case Ready() if self.state is State.STARTING:
                self.state = State.LOADING
            case BundleLoaded():
                self.state = State.GENERATING
            case Previewed(job) if job == self.number:
                self.preview = message
            case Progress(job, step, steps, stage) if job == self.number:
                self.state = _STAGES.get(stage, State.GENERATING)
                self.step, self.steps = step, steps
            case Failed(job, kind, sentence) if job == self.number:
                self.fail(kind, sentence)
            case _ if isinstance(message, JobResult) and message.job == self.number:
                self.result, self.state = message, State.SUCCEEDED
            case _:
                pass

    def fail(self, kind: FailureKind, sentence: str) -> None:
        """End without a result; kind says why."""
        self.state = State.CANCELLED if kind == FailureKind.CANCELLED else State.FAILED
        self.kind, self.sentence = kind, sentence


@dataclass(eq=False)
class WorkerSession:
    """Owns the worker's client and the job that runs.

    devices: ids and names that the worker has seen on this machine. python_errors: why a Python
    cannot be the worker's, as far as it was tried. notice: the last message for the user; panel,
    prompt: where its button stands, and what it was asked.
    """

    connect: Connect = WorkerClient
    clock: Clock = time.monotonic
    job: Job | None = None
    notice: Notice = field(default_factory=Notice)
    panel: str = MAIN_PANEL
    prompt: str = ""
    devices: dict[str, str] = field(default_factory=dict[str, str])
    python_errors: dict[Path, str] = field(default_factory=dict[Path, str])
    _client: WorkerClient | None = None
    _kept: tuple[str, JobResult] | None = None

    @property
    def busy(self) -> bool:
        """A job runs."""
        return self.job is not None and self.job.running

    @property
    def client(self) -> WorkerClient | None:
        """The worker's client, once a job or a check has asked for one."""
        return self._client

    @property
    def bundle_info(self) -> JsonObject:
        """What the worker said of the bundle in memory; empty before it did."""
        return (self._client.bundle_info if self._client else None) or {}

    @property
    def worker_status(self) -> Status | None:
        """Device and memory in use, as far as the worker has said."""
        return self._client.status if self._client else None

    def open(self, python: Path) -> Job:
        """A job whose message is still to be made: ``send`` it. The session is busy from here on.

        Returns at once. Raises MMMError when a job runs already.
        """
        if self.busy:
            raise MMMError("MMM is at work already: wait until it is done, or cancel it.")
        client = self._client_for(python)
        self.notice = Notice()
        self.job = Job(client.new_job(), self.clock(), State.READING)
        return self.job

    def send(self, job: Job, message: JobMessage, bundle: LoadBundle | None = None) -> None:
        """Give the worker an open job, whose number the message takes.

        Returns at once. Raises MMMError, and the job has failed, when the Python cannot be run.
        """
        client = self._client
        assert client is not None
        try:
            job.asked_for = _digest(message, bundle)
            if self._kept is not None and self._kept[0] == job.asked_for:
                job.result, job.state = self._kept[1], State.SUCCEEDED
                return
            client.submit(replace(message, job=job.number), bundle)
        except WorkerError as error:
            job.fail(error.kind, str(error))
            self._keep_python_error(client.python, error)
            raise
        except MMMError as error:
            job.fail(FailureKind.BAD_REQUEST, str(error))
            raise
        job.state = State.STARTING if client.ready is None else State.LOADING
        job.sent_at = self.clock()

    def keep(self, job: Job) -> None:
        """Have the result of a job at hand, should the same be asked for again: it could not be
        put into the scene."""
        if job.result is not None:
            self._kept = job.asked_for, job.result

    def start(self, python: Path, message: JobMessage, bundle: LoadBundle | None = None) -> Job:
        """``open`` and ``send`` in one go. Raises MMMError as these do."""
        job = self.open(python)
        self.send(job, message, bundle)
        return job

    def check(self, python: Path) -> None:
        """Start the worker of a Python without a job; ``tick`` learns what it says of itself."""
        self.python_errors.pop(python, None)
        client = self._client_for(python)
        try:
            client.start()
        except WorkerError as error:
            self._keep_python_error(python, error)
            raise

    def tick(self) -> None:
        """Hear what the worker has said. Never blocks; call it often."""
        if self._client is None:
            return
        for message in self._client.poll():
            self._learn(message)
            if self.job is not None:
                self.job.hear(message)
        self._give_up_on_silence()

    def cancel(self, sentence: str = "Cancelled.") -> None:
        """End the job now; the worker hears of it, and its late answer is ignored."""
        if self.job is None or not self.job.running:
            return
        self.job.fail(FailureKind.CANCELLED, sentence)
        self.notice = Notice(sentence)
        if self._client is not None:
            self._client.cancel(self.job.number)

    def finish_now(self) -> None:
        """Keep what the model has made so far, as soon as there is something."""
        job = self.job
        if job is not None and job.state is State.GENERATING and self._client is not None:
            self._client.finish(job.number)

    def forget_notice(self) -> None:
        """What was said is about a scene that is no more; what is about the Python stays."""
        if not self.busy and self.notice.kind != FailureKind.ENVIRONMENT:
            self.notice, self.prompt = Notice(), ""

    def fail(self, kind: FailureKind | None, sentence: str) -> None:
        """Say what went wrong."""
        self.notice = Notice(sentence, is_error=True, kind=kind)

    def shut_down(self) -> None:
        """Cancel the job and end the worker."""
        self.cancel()
        if self._client is not None:
            self._client.stop()
        self._client = None

    def _client_for(self, python: Path) -> WorkerClient:
        if self._client is None or self._client.python != python:
            self.shut_down()
            self._client = self.connect(python)
        return self._client

    def _learn(self, message: WorkerMessage) -> None:
        """What a message says about the machine, whoever it was meant for."""
        assert self._client is not None
        match message:
            case Ready(reason=reason) if reason:
                self.python_errors[self._client.python] = reason
            case Ready(devices=devices):
                self.devices = dict(devices)
                self.python_errors.pop(self._client.python, None)
            case _:
                pass

    def _keep_python_error(self, python: Path, error: WorkerError) -> None:
        """An antivirus or a policy may let it run the next time."""
        if error.kind is not FailureKind.BLOCKED:
            self.python_errors[python] = str(error)

    def _give_up_on_silence(self) -> None:
        job = self.job
        if job is None or job.state is not State.STARTING:
            return
        if self.clock() - job.sent_at > START_SECONDS:
            self.shut_down()
            job.fail(
                FailureKind.WORKER_ENDED,
                f"The model's process did not answer within {START_SECONDS:.0f} s: try again, or "
                "choose another Python in the preferences.",
            )


def _digest(message: JobMessage, bundle: LoadBundle | None) -> str:
    """What stands for a message and its bundle, whatever the job's number is."""
    parts = [encode(replace(message, job=0)), *([encode(bundle)] if bundle else [])]
    return hashlib.sha256(b"".join(parts)).hexdigest()


session = WorkerSession()
"""This Blender's own."""
