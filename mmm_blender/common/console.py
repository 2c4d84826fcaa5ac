"""What commands share: exit statuses that farms read, and output that any terminal takes."""

from __future__ import annotations

import io
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager

ALL_MADE = 0
"""Every row is there."""
SOME_FAILED = 1
"""Rows failed, which the report names; all others are there. Running it again makes those alone."""
NOT_DONE = 2
"""The command, the table or the weights are wrong, as a sentence says: again would be the same."""
INTERRUPTED = 130
"""The shells' exit status for Ctrl-C."""


def speak_in_any_encoding() -> None:
    """What a redirected output cannot hold, such as a name in another script, is escaped there."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def interrupts_wait() -> Generator[None]:
    """Ctrl-C is heard at the end of the block: Blender's module, while it is loaded, prints some of
    them and goes on."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no signal is heard here
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt
