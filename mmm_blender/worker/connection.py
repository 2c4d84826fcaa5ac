"""One worker process and its pipes: what it says, how it ends."""

from __future__ import annotations

import contextlib
import queue
import signal
import subprocess
import threading
from collections import deque
from collections.abc import Sequence
from typing import IO, BinaryIO

from .launch import worker_variables
from .processes import open_process
from .protocol import ProtocolError, Shutdown, WorkerMessage
from .wire import encode, read_message, write_frame

_LOG_LINES = 200


EXIT_SECONDS = 2.0  # for the process to be gone after its pipes closed, or after a kill


class Ended:
    """Last item of a connection. reason: why it was given up, "" when the process just ended."""

    def __init__(self, reason: str = "") -> None:
        self.reason = reason


class Connection:
    """One process and the three threads that serve its pipes."""

    def __init__(self, command: Sequence[str]) -> None:
        self.incoming: queue.SimpleQueue[WorkerMessage | Ended] = queue.SimpleQueue()
        self._outgoing: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._process = open_process(command, worker_variables())
        pipes = (self._process.stdin, self._process.stdout, self._process.stderr)
        assert all(pipes)
        self._threads = [
            threading.Thread(target=target, args=(pipe,), daemon=True, name=f"mmm-{name}")
            for name, target, pipe in zip(
                ("writer", "reader", "log"), (self._write, self._read, self._keep_log), pipes,
                strict=True,
            )
        ]  # fmt: skip
        for thread in self._threads:
            thread.start()

    @property
    def alive(self) -> bool:
        """Whether the process still runs."""
        return self._process.poll() is None

    @property
    def killed(self) -> bool:
        """Something outside has ended the process: it went by a signal (never on Windows)."""
        return (self._process.poll() or 0) < 0

    def send(self, frame: bytes) -> None:
        """Hand a message to the thread that writes."""
        self._outgoing.put(frame)

    def close(self, at_once: bool) -> None:
        """End the process; without ``at_once`` it gets the chance to end by itself."""
        if at_once:
            self._process.kill()
        else:
            self._outgoing.put(encode(Shutdown()))
        self._outgoing.put(None)
        threading.Thread(target=self._reap, daemon=True, name="mmm-reap").start()

    def _reap(self) -> None:
        try:
            self._process.wait(EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def log_text(self) -> str:
        """The last lines of the process's own log."""
        return "\n".join(tuple(self._log))

    def last_words(self) -> str:
        """The last line of the log, or the exit status."""
        lines = [line for line in self._log if line.strip()]
        return lines[-1].strip() if lines else f"exit status {self._process.poll()}"

    def _write(self, pipe: BinaryIO) -> None:
        """Thread: messages to the worker's input, whose end is the worker's end."""
        _take_no_sigpipe()
        with contextlib.suppress(OSError):  # the worker has gone; the reader tells
            try:
                while (frame := self._outgoing.get()) is not None:
                    write_frame(pipe, frame)
            finally:
                pipe.close()  # here and not by whichever thread is the last to forget it

    def _read(self, pipe: BinaryIO) -> None:
        """Thread: the worker's answers, then Ended."""
        reason = "its answers cannot be read"
        try:
            while (message := read_message(pipe)) is not None:
                if not isinstance(message, WorkerMessage):
                    raise ProtocolError(f"the worker sent a {type(message).__name__} message")
                self.incoming.put(message)
            reason = ""
        except (OSError, ProtocolError) as error:
            reason = str(error)
        finally:  # whatever it was, whoever waits must hear of the end
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(EXIT_SECONDS)
            self._threads[-1].join(EXIT_SECONDS)  # the log closes with the process
            self.incoming.put(Ended(reason))

    def _keep_log(self, pipe: IO[bytes]) -> None:
        """Thread: the worker's standard error, and whatever is printed there."""
        for line in pipe:
            self._log.append(line.decode("utf-8", errors="replace").rstrip())


def _take_no_sigpipe() -> None:
    """In this thread a write to a process that has gone is an error, and no signal: Blender 4.3
    leaves SIGPIPE as it was, which ends the program without a word."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGPIPE})
