"""Blender's side of the worker: start it, send it messages, poll its answers.

No bpy and no torch here. Every method returns at once (but those that end in ``_blocking``, for
scripts): threads move the bytes, because pipes of Windows cannot be polled. A worker that died, or
had to be killed, is started again by the next job.

    client = WorkerClient(python)
    job = client.submit(Generate("a person waves", seconds=4.0), LoadBundle(str(bundle)))
    while ...:                       # from a timer
        for message in client.poll():
            ...                      # Progress, Generated, Failed, ...; see protocol.py
    client.stop()
"""

from __future__ import annotations

import itertools
import math
import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, cast

from ..common.package import package_version
from .connection import Connection, Ended
from .launch import BOOTSTRAP, is_own_python, worker_command
from .preview_messages import Finish
from .protocol import (
    BodyModelLoaded,
    BundleLoaded,
    Cancel,
    CheckpointImported,
    ClientMessage,
    Failed,
    FailureKind,
    Generated,
    Hello,
    JobMessage,
    JobResult,
    LoadBodyModel,
    LoadBundle,
    MotionMessage,
    Progress,
    Ready,
    Status,
    WorkerError,
    WorkerMessage,
)
from .wire import encode

SILENCE_SECONDS = 300.0
"""A worker that has a job and says nothing for so long is stopped, or hangs."""

OBEY_SECONDS = 2.0
"""A cancelled job that runs and has not ended by then costs the worker its life."""

_POLL_SECONDS = 0.02

_OpenJob: TypeAlias = tuple[JobMessage, LoadBundle | None]


class WorkerClient:
    """One worker process after another, at most one at a time."""

    def __init__(
        self, python: Path, bootstrap: str = BOOTSTRAP, silence_seconds: float = SILENCE_SECONDS
    ) -> None:
        """python: an executable that can run the worker. bootstrap: the program (tests give their
        own)."""
        self.python = python
        self.ready: Ready | None = None
        self.status: Status | None = None
        self.bundle_info: dict[str, object] | None = None
        self._bootstrap = bootstrap
        self._connection: Connection | None = None
        self._past_log = ""
        self._refusal = ""
        self._backlog: list[WorkerMessage] = []
        self._job_numbers = itertools.count(1)
        self._bundle: LoadBundle | None = None
        self._open_jobs: dict[int, _OpenJob] = {}
        self._cancel_deadlines: dict[int, float] = {}
        self._silence_seconds = silence_seconds
        self._heard_at = 0.0
        self._repeated: set[int] = set()

    @property
    def alive(self) -> bool:
        """The process runs."""
        return self._connection is not None and self._connection.alive

    @property
    def busy(self) -> bool:
        """Some job has not ended yet."""
        return bool(self._open_jobs)

    @property
    def log_tail(self) -> str:
        """The last lines that the worker wrote to its standard error."""
        return self._connection.log_text() if self._connection else self._past_log

    def new_job(self) -> int:
        """A number that no job of this client had before."""
        return next(self._job_numbers)

    def start(self) -> None:
        """Start the worker if it does not run. Raises WorkerError when the Python cannot be run."""
        if self.alive:
            return
        self._bury()
        if self.alive:  # for the jobs that the one before it has left
            return
        self._connection = Connection(worker_command(self.python, self._bootstrap))
        self._connection.send(encode(Hello(package_version=package_version())))

    def send(self, message: ClientMessage) -> None:
        """Hand a message to the worker, which is started if need be.

        Raises ProtocolError for a field of another type than declared: nothing was sent then.
        """
        self._send_all([message])

    def _send_all(self, messages: Sequence[ClientMessage]) -> None:
        """``send``, all of them to one process."""
        frames = [encode(message) for message in messages]
        if not self.alive:
            self.start()
        assert self._connection is not None
        if not self._open_jobs:
            self._heard_at = time.monotonic()
        for message, frame in zip(messages, frames, strict=True):
            if isinstance(message, LoadBundle):
                self._bundle = message
            elif isinstance(message, JobMessage):
                self._open_jobs[message.job] = (message, self._bundle)
            self._connection.send(frame)

    def submit(self, message: JobMessage, bundle: LoadBundle | None = None) -> int:
        """Send a job, and before it the bundle that it needs (nothing is loaded twice).

        Returns the job's number: the message's own, or a new one where that is 0.
        """
        numbered = message if message.job else replace(message, job=self.new_job())
        self._send_all([numbered] if bundle is None else [bundle, numbered])
        return numbered.job

    def cancel(self, job: int) -> None:
        """Ask for the end of a job; ``poll`` kills a worker that does not obey in time.

        A job that waits behind another one ends when its turn comes.
        """
        if job in self._open_jobs and self.alive:
            self._cancel_deadlines.setdefault(job, math.inf)
            self._start_deadline()
            self.send(Cancel(job))

    def finish(self, job: int) -> None:
        """Ask for what a job has made so far; it answers with its result."""
        if job in self._open_jobs and self.alive:
            self.send(Finish(job))

    def poll(self) -> list[WorkerMessage]:
        """What the worker has said since the last call, oldest first. Never blocks.

        Every job that was sent ends in exactly one JobResult or Failed.
        """
        messages, self._backlog = self._backlog + self._drain(), []
        if self._disobeyed():
            messages += self._kill()
        if self._open_jobs and time.monotonic() - self._heard_at > self._silence_seconds:
            silent = f"it has said nothing for {self._silence_seconds:.0f} s"
            messages += self._ended(silent, excused=True)
        return messages

    def stop(self) -> None:
        """End the worker, at once if it works on something. Open jobs are dropped silently."""
        if self._connection is not None:
            self._disconnect(at_once=self.busy)
        self._open_jobs.clear()
        self._cancel_deadlines.clear()
        self._backlog.clear()

    def run_blocking(
        self,
        request: MotionMessage,
        bundle: LoadBundle,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Generated:
        """For scripts: wait for the motion. Raises WorkerError with a sentence."""
        return cast(Generated, self._wait(self.submit(request, bundle), on_progress))

    def load_body_model_blocking(self, request: LoadBodyModel) -> BodyModelLoaded:
        """For scripts: wait for the body. Raises WorkerError with a sentence."""
        return cast(BodyModelLoaded, self._wait(self.submit(request), None))

    def _wait(self, job: int, on_progress: Callable[[Progress], None] | None) -> JobResult:
        while True:
            for message in self.poll():
                if isinstance(message, JobResult) and message.job == job:
                    return message
                if isinstance(message, Failed) and message.job == job:
                    raise WorkerError(message.message, message.kind)
                if isinstance(message, Progress) and on_progress is not None:
                    on_progress(message)
            time.sleep(_POLL_SECONDS)

    def _drain(self) -> list[WorkerMessage]:
        messages: list[WorkerMessage] = []
        while self._connection is not None:
            try:
                item = self._connection.incoming.get_nowait()
            except queue.Empty:
                break
            if isinstance(item, Ended):
                messages += self._ended(item.reason)
            else:
                self._heard_at = time.monotonic()
                messages.append(item)
                self._note(item)
        return messages

    def _bury(self) -> None:
        """A process that died since the last poll: keep what its jobs have to hear."""
        self._backlog += self._drain()
        if self._connection is not None:  # its last answers, a greeting perhaps, are on the way
            self._backlog += self._ended("", excused=True)

    def _ended(self, reason: str, excused: bool = False) -> list[WorkerMessage]:
        """The process is over, or hangs and is ended: what that means for whoever waits. excused:
        that it has not said it is ready is no sign of a Python that cannot run it.

        Jobs begin again in a new process, once: it may have been killed from outside.
        """
        assert self._connection is not None
        killed = excused or self._connection.killed
        reason = (reason or self._connection.last_words()).rstrip(".")
        kind = FailureKind.WORKER_ENDED
        sentence = f"The model's process ended unexpectedly ({reason}): try again."
        if self.ready is None and not killed:  # the environment is at fault
            kind = FailureKind.ENVIRONMENT
            sentence = self._refusal or (
                f"The model cannot run in {self.python} ({reason}): {self._remedy()}."
            )
        self._disconnect(at_once=True)
        again = [] if kind is FailureKind.ENVIRONMENT else self._take_unrepeated()
        return self._fail_open_jobs(kind, sentence) + self._repeat(again)

    def _remedy(self) -> str:
        """What helps where this Python cannot run the worker at all."""
        if is_own_python(self.python):
            return "install the zip for your system again, or run Set Up in the preferences"
        return "run Set Up in the preferences"

    def _take_unrepeated(self) -> list[_OpenJob]:
        """Open jobs that nobody has cancelled and that were not begun again before."""
        numbers = self._open_jobs.keys() - self._repeated - self._cancel_deadlines.keys()
        self._repeated |= numbers
        return [self._open_jobs.pop(number) for number in sorted(numbers)]

    def _repeat(self, jobs: Sequence[_OpenJob]) -> list[WorkerMessage]:
        """Give jobs to a new process; the failures of those that cannot be given."""
        messages: list[WorkerMessage] = []
        for job, bundle in jobs:
            try:
                self.submit(job, bundle)
            except WorkerError as error:
                messages.append(Failed(job.job, error.kind, str(error)))
        return messages

    def _fail_open_jobs(self, kind: FailureKind, sentence: str) -> list[WorkerMessage]:
        """A worker that died idle concerns nobody: the next job starts a new one."""
        jobs, cancelled = sorted(self._open_jobs), set(self._cancel_deadlines)
        self._open_jobs.clear()
        self._cancel_deadlines.clear()
        return [
            Failed(job, FailureKind.CANCELLED, "Cancelled.")
            if job in cancelled
            else Failed(job, kind, sentence)
            for job in jobs
        ]

    def _disconnect(self, at_once: bool) -> None:
        assert self._connection is not None
        self._past_log = self._connection.log_text()
        self._connection.close(at_once)
        self._connection = None
        self._refusal = ""
        self.ready = self.status = self.bundle_info = None

    def _start_deadline(self) -> None:
        """The worker takes jobs in order: until its turn a cancelled one disobeys nobody."""
        running = next(iter(self._open_jobs), None)
        if running is not None and self._cancel_deadlines.get(running) == math.inf:
            self._cancel_deadlines[running] = time.monotonic() + OBEY_SECONDS

    def _disobeyed(self) -> bool:
        self._start_deadline()
        return any(deadline < time.monotonic() for deadline in self._cancel_deadlines.values())

    def _kill(self) -> list[WorkerMessage]:
        """End a worker that ignores Cancel; what waited behind that job goes to a new one."""
        waiting = [
            pair for job, pair in self._open_jobs.items() if job not in self._cancel_deadlines
        ]
        messages: list[WorkerMessage] = [
            Failed(job, FailureKind.CANCELLED, "Cancelled.")
            for job in sorted(self._cancel_deadlines)
        ]
        self._disconnect(at_once=True)
        self._open_jobs.clear()
        self._cancel_deadlines.clear()
        return messages + self._repeat(waiting)

    def _note(self, message: WorkerMessage) -> None:
        """Keep the client's own books."""
        match message:
            case Ready():
                self.ready = message
            case BundleLoaded(info):
                self.bundle_info = info
            case Status():
                self.status = message
            case Failed(None, kind, sentence) if kind == FailureKind.ENVIRONMENT:
                self._refusal = sentence
            case Generated(job) | BodyModelLoaded(job) | CheckpointImported(job) | Failed(int(job)):
                self._open_jobs.pop(job, None)
                self._cancel_deadlines.pop(job, None)
            case _:
                pass
