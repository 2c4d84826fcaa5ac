"""The worker's main loop: one job after another, Cancel looked at between their steps.

The service knows the protocol and the order of things; what a job computes is the engine's.
A thread reads the pipe, so that Cancel and the end of input are seen while a job runs.
"""

from __future__ import annotations

import os
import queue
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from ...common.errors import MMMError
from ...common.package import package_version
from ..preview_messages import Finish, Previewed
from ..protocol import (
    PROTOCOL_VERSION,
    BodyModelLoaded,
    BundleLoaded,
    Cancel,
    CheckpointImported,
    Edit,
    Failed,
    FailureKind,
    Generate,
    Generated,
    GenerateSequence,
    Hello,
    ImportCheckpoint,
    JsonObject,
    LoadBodyModel,
    LoadBundle,
    Message,
    MotionMessage,
    Progress,
    ProtocolError,
    Ready,
    Shutdown,
    Status,
    WorkerError,
    WorkerMessage,
)
from ..wire import encode, read_message, write_frame, write_message

SECONDS_TO_LEAVE = 2.0
"""A job that runs on after the end of input is left to die with the process by then."""

_SECONDS_A_MINUTE = 60.0

OnProgress = Callable[[int, int, str], None]
IsCancelled = Callable[[], bool]


@dataclass(frozen=True)
class Watcher:
    """Who looks on while a job is worked on. show: takes its previews. enough: what it has made so
    far is to be kept."""

    show: Callable[[Previewed], None]
    enough: Callable[[], bool]


class Engine(Protocol):
    """What the service needs of the networks. Failures are MMMError, with a kind WorkerError."""

    def describe(self) -> Ready:
        """This Python's torch and devices."""
        ...

    def load(self, params: LoadBundle) -> JsonObject:
        """Hold a bundle; returns BundleLoaded.info."""
        ...

    def generate(
        self,
        request: MotionMessage,
        on_progress: OnProgress,
        cancelled: IsCancelled,
        watcher: Watcher | None = None,
    ) -> Generated:
        """One motion with the bundle of the last params, loaded again when it was freed."""
        ...

    def body_model(self, request: LoadBodyModel) -> BodyModelLoaded:
        """Read a body model file."""
        ...

    def import_checkpoint(
        self, request: ImportCheckpoint, on_progress: OnProgress
    ) -> CheckpointImported:
        """Turn published files into a bundle."""
        ...

    def status(self) -> Status:
        """Memory in use."""
        ...

    def free(self) -> None:
        """Give memory back; the params is remembered."""
        ...


class Service:
    """Speaks the protocol on a pair of pipes until the input ends."""

    def __init__(self, source: BinaryIO, sink: BinaryIO, engine: Engine) -> None:
        self._source = source
        self._sink = sink
        self._engine = engine
        self._inbox: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        self._cancelled: set[int] = set()
        self._finishing: set[int] = set()
        self._input_ended = threading.Event()
        self._finished = threading.Event()
        self._idle_seconds: float | None = None
        self._in_memory = False

    def run(self) -> None:
        """Work until Shutdown or the end of input."""
        threading.Thread(target=self._read, daemon=True, name="mmm-reader").start()
        try:
            while (message := self._next()) is not None and self._handle(message):
                pass
        except OSError:
            pass  # Blender has gone: nobody is left to tell
        finally:
            self._finished.set()

    def _read(self) -> None:
        """Thread: everything that arrives; then the process must end, even in mid-job."""
        try:
            while (message := read_message(self._source)) is not None:
                if isinstance(message, Cancel):
                    self._cancelled.add(message.job)
                elif isinstance(message, Finish):
                    self._finishing.add(message.job)
                else:
                    self._inbox.put(message)
        except (OSError, ProtocolError) as error:
            print(error, file=sys.stderr)
        finally:
            self._input_ended.set()
            self._inbox.put(None)
        if not self._finished.wait(SECONDS_TO_LEAVE):
            os._exit(1)

    def _next(self) -> Message | None:
        """The next message; memory is freed while none comes for the idle time."""
        try:
            return self._inbox.get(timeout=self._idle_seconds if self._in_memory else None)
        except queue.Empty:
            self._engine.free()
            self._in_memory = False
            self._send(self._engine.status())
            return self._inbox.get()

    def _handle(self, message: Message) -> bool:
        """Act on one message; False when it is time to leave."""
        match message:
            case Hello():
                return self._greet(message)
            case LoadBundle():
                self._attempt(None, lambda: self._load(message))
            case Generate() | Edit() | GenerateSequence():
                self._attempt(message.job, lambda: self._generate(message))
            case LoadBodyModel():
                self._attempt(message.job, lambda: self._engine.body_model(message))
            case ImportCheckpoint():
                self._attempt(message.job, lambda: self._import(message))
            case Shutdown():
                return False
            case _:
                raise ProtocolError(
                    f"The model's process was sent a {type(message).__name__} message."
                )
        return True

    def _greet(self, hello: Hello) -> bool:
        ours = (PROTOCOL_VERSION, package_version())
        if (hello.protocol, hello.package_version) == ours:
            self._send(self._describe())
            return True
        sentence = (
            f"Blender runs version {hello.package_version} of MMM, and its model's process version "
            f"{ours[1]}: restart Blender."
        )
        self._send(Failed(None, FailureKind.ENVIRONMENT, sentence))
        return False

    def _describe(self) -> Ready:
        try:
            return self._engine.describe()
        except Exception as error:  # noqa: BLE001  # process boundary: a broken torch is reported
            traceback.print_exc()
            return Ready(package_version(), "", {}, _bug_sentence(error))

    def _load(self, params: LoadBundle) -> BundleLoaded:
        self._idle_seconds = _idle_seconds(params.idle_minutes)
        info = self._engine.load(params)
        self._in_memory = True
        return BundleLoaded(info)

    def _generate(self, request: MotionMessage) -> Generated:
        self._in_memory = True
        job = request.job
        watcher = Watcher(self._send, lambda: job in self._finishing)
        return self._engine.generate(
            request, self._reporter(job), lambda: self._is_cancelled(job), watcher
        )

    def _import(self, request: ImportCheckpoint) -> CheckpointImported:
        return self._engine.import_checkpoint(request, self._reporter(request.job))

    def _reporter(self, job: int) -> OnProgress:
        def report(step: int, steps: int, stage: str) -> None:
            self._send(Progress(job, step, steps, stage))

        return report

    def _is_cancelled(self, job: int | None) -> bool:
        return self._input_ended.is_set() or job in self._cancelled

    def _attempt(self, job: int | None, work: Callable[[], WorkerMessage]) -> None:
        """Send what ``work`` gives, or why it gave nothing, and then the memory in use."""
        try:
            answer = self._answer(job, work)
        except Exception as error:  # noqa: BLE001  # process boundary: a bug costs one job only
            traceback.print_exc()
            answer = encode(Failed(job, FailureKind.INTERNAL, _bug_sentence(error)))
        write_frame(self._sink, answer)
        self._send(self._engine.status())
        if job is not None:
            self._cancelled.discard(job)
            self._finishing.discard(job)

    def _answer(self, job: int | None, work: Callable[[], WorkerMessage]) -> bytes:
        """The answer's bytes; an answer that cannot be sent is a bug of the job like others."""
        try:
            if self._is_cancelled(job):
                raise WorkerError("Cancelled.", FailureKind.CANCELLED)
            answer = work()
        except WorkerError as error:
            answer = Failed(job, error.kind, str(error))
        except MMMError as error:
            answer = Failed(job, FailureKind.BAD_REQUEST, str(error))
        return encode(answer)

    def _send(self, message: Message) -> None:
        write_message(self._sink, message)


def _idle_seconds(minutes: float) -> float | None:
    """How long to wait for a message; None for ever: 0, and what is no time (-1, NaN)."""
    seconds = minutes * _SECONDS_A_MINUTE
    return min(seconds, threading.TIMEOUT_MAX) if seconds > 0 else None


def _bug_sentence(error: Exception) -> str:
    return (
        f"The model met an error of its own ({type(error).__name__}: {error}): "
        "please report it with the log."
    )
