"""Child processes on every system: opened without a window, ended with all that they started."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence

from .protocol import FailureKind, WorkerError

KILL_SECONDS = 10.0
_FORBIDDING = (5, 225, 740, 1260)
"""Windows' errors for access denied, a virus found, a lack of rights, and a group policy."""


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


def open_process(
    command: Sequence[str], variables: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A child whose three streams are pipes of bytes; WorkerError where it cannot be run.

    variables: its environment, None for this process's own.
    """
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=False, env=variables,
            creationflags=no_window(),
        )  # fmt: skip
    except OSError as error:
        raise launch_error(command[0], error) from error


def is_forbidden(error: OSError) -> bool:
    """The system does not let the program run: a policy, an antivirus, a sandbox."""
    return isinstance(error, PermissionError) or getattr(error, "winerror", 0) in _FORBIDDING


def launch_error(program: str, error: OSError) -> WorkerError:
    """Why a program could not be started, in a sentence."""
    if is_forbidden(error):
        return WorkerError(
            f"This computer does not let {program} run ({error.strerror}): allow it in the "
            "antivirus or the policy that stops it, and press again.",
            FailureKind.BLOCKED,
        )
    return WorkerError(
        f"The Python {program} cannot be run ({error.strerror}): choose another one in the "
        "preferences, or run Set Up.",
        FailureKind.ENVIRONMENT,
    )
