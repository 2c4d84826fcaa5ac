"""Child processes on every system: opened without a window, ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Sequence

from .protocol import FailureKind, WorkerError

KILL_SECONDS = 10.0


def no_window() -> int:
    """The creation flags of a process that opens no console window on Windows; 0 elsewhere."""
    return getattr(subprocess, "CREATE_NO_WINDOW", 0) if os.name == "nt" else 0


def kill_tree(process: subprocess.Popen[str]) -> None:
    """End a process with its children (a Windows environment's python.exe is only a launcher)."""
    if process.poll() is not None:
        return
    if os.name == "nt":
        _kill_windows_tree(process)
        return
    import signal  # noqa: PLC0415  # SIGKILL and process groups exist on POSIX only

    # it may end between the look and the kill; macOS then says that it is not permitted
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _kill_windows_tree(process: subprocess.Popen[str]) -> None:
    try:
        subprocess.run(
            ["taskkill", "/T", "/F", "/PID", str(process.pid)],
            check=False, capture_output=True, timeout=KILL_SECONDS, creationflags=no_window(),
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):  # then at least the launcher
        process.kill()


def open_process(command: Sequence[str]) -> subprocess.Popen[bytes]:
    """A child whose three streams are pipes of bytes; WorkerError where it cannot be run."""
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=False, creationflags=no_window()
        )
    except OSError as error:
        raise WorkerError(
            f"The Python {command[0]} cannot be run ({error.strerror}): choose another one in the "
            "preferences, or run Set Up.",
            FailureKind.ENVIRONMENT,
        ) from error
