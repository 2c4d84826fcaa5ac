"""The worker program: takes the pipes, then serves until Blender goes.

Started as ``launch.worker_command`` says, with a bootstrap that puts this package's parent and
the runtime's wheels on the path. Nothing but the standard library is imported before the pipes are
safe.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, BinaryIO, cast

from .environments import hold_environment

if TYPE_CHECKING:
    from .server.service import Engine

_STDIN, _STDOUT, _STDERR = 0, 1, 2
_PARENT_CHECK_SECONDS = 1.0
# OpenMP's threads spin while they wait, by default. Where Blender has the other cores busy that
# makes a small model a hundred times slower (measured: 1.6 s against 0.015 s on two cores).
_THREADS_SLEEP = ("OMP_WAIT_POLICY", "PASSIVE")


def main(make_engine: Callable[[], Engine] | None = None) -> None:
    """Run the worker. make_engine: what computes (tests give their own)."""
    source, sink = take_pipes()
    hold_environment()
    os.environ.setdefault(*_THREADS_SLEEP)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the terminal is Blender's to handle
    if os.name == "posix":
        threading.Thread(target=_leave_with_parent, daemon=True, name="mmm-parent").start()
    from .server.service import Service  # noqa: PLC0415  # not before the pipes are safe

    if make_engine is None:
        from .server.engine import MotionEngine  # noqa: PLC0415  # as above

        make_engine = MotionEngine
    Service(source, sink, make_engine()).run()


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """The protocol's input and output, which nothing else can reach from now on.

    Whatever prints, in Python or in a library's C code, writes to standard error; whatever reads
    standard input finds it empty.
    """
    source, sink = os.dup(_STDIN), os.dup(_STDOUT)
    os.dup2(_STDERR, _STDOUT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, _STDIN)
    os.close(nothing)
    sys.stdout = sys.stderr
    for descriptor in (source, sink):
        _set_binary(descriptor)
    # unbuffered: a thread that waits in a buffered read would hold a lock at the process's end
    return cast(BinaryIO, os.fdopen(source, "rb", buffering=0)), os.fdopen(sink, "wb")


def _set_binary(descriptor: int) -> None:
    """Windows would translate line ends in the bytes."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415  # exists on Windows only

        msvcrt.setmode(descriptor, os.O_BINARY)


def _leave_with_parent() -> None:
    """Thread: end when the parent dies although somebody else holds our input open.

    A process that Blender forked has copies of its pipes, so their end may never come. On Windows
    handles are not inherited that way, and the end of input is enough.
    """
    parent = os.getppid()
    while os.getppid() == parent:
        time.sleep(_PARENT_CHECK_SECONDS)
    os._exit(1)


if __name__ == "__main__":
    main()
