"""The folder of environments that Set Up makes: which one counts, who uses it, removing it.

    FOLDER/ready.json      written last: names the environment that is whole, and its size
    FOLDER/setup.log       everything that the last set-up said
    FOLDER/env-XXXX/       the environment itself
    FOLDER/env-XXXX/in_use.lock   held by every worker that runs in it

Standard library only: the worker holds its environment before anything else is imported.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from ..common.atomic_files import replacing
from ..common.errors import MMMError
from ..common.untrusted import file_bytes, is_file, is_folder, json_value

LOG_NAME = "setup.log"
PREFIX = "env-"

_MARKER = "ready.json"
_MOST_MARKER_BYTES = 2**16
_DOOMED = "-old"
_LOCK = "in_use.lock"
_CONFIG = "pyvenv.cfg"
_LEFTOVER_SECONDS = 6 * 3600.0  # a younger environment may be another Blender's, in the making
_held: list[IO[bytes]] = []


@dataclass(frozen=True)
class EnvironmentInfo:
    """What is known of the environment in a folder.

    python: None where none was made to the end. megabytes: its size on disk, 0 where nobody
    measured it. flavour: the build of torch, "" for that of version 0.1.0. reason: why it cannot
    be used, in a sentence, else "".
    """

    folder: Path
    python: Path | None = None
    megabytes: int = 0
    flavour: str = ""
    reason: str = ""


def environment_python(folder: Path) -> Path | None:
    """The Python of the environment in ``folder``; None until one was made to the end, and where
    the Python that it was made with is gone."""
    info = environment_info(folder)
    return info.python if not info.reason else None


def environment_info(folder: Path) -> EnvironmentInfo:
    """What ``ready.json`` and the environment itself say; looks at the disk."""
    try:
        marker = _read_marker(folder)
    except OSError:
        return EnvironmentInfo(folder)
    name = str(marker.get("environment", ""))
    environment = folder / name
    if not name or not is_folder(environment):
        return EnvironmentInfo(folder)
    python = python_in(environment)
    megabytes, flavour = marker.get("megabytes", 0), str(marker.get("flavour", ""))
    size = megabytes if isinstance(megabytes, int) and megabytes > 0 else 0
    missing = _missing_base(environment)
    if missing or not is_file(python):
        gone = missing or str(python)
        reason = f"The Python that the environment was made with is gone ({gone}): press Repair."
        return EnvironmentInfo(folder, python, size, flavour, reason)
    return EnvironmentInfo(folder, python, size, flavour)


def _missing_base(environment: Path) -> str:
    """The folder of the Python that a virtual environment needs, where it is not there."""
    try:
        lines = (environment / _CONFIG).read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError):
        return ""
    homes = [value.strip() for key, _, value in (line.partition("=") for line in lines)
             if key.strip() == "home"]  # fmt: skip
    return homes[0] if homes and not Path(homes[0]).is_dir() else ""


def python_in(environment: Path) -> Path:
    """Where a virtual environment has its Python on this system."""
    if os.name == "nt":
        return environment / "Scripts" / "python.exe"
    return environment / "bin" / "python"


def current_name(folder: Path) -> str:
    """Name of the environment that is whole; "" for none. OSError if that cannot be known."""
    return str(_read_marker(folder).get("environment", ""))


def _read_marker(folder: Path) -> dict[str, Any]:
    try:
        marker = json_value(file_bytes(folder / _MARKER, _MOST_MARKER_BYTES))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return {}
    return dict(marker) if isinstance(marker, dict) else {}


def mark_ready(environment: Path, flavour: str) -> None:
    """From now on ``environment`` is the one of its folder; its size is measured here."""
    marker = {
        "environment": environment.name,
        "megabytes": folder_megabytes(environment),
        "flavour": flavour,
    }
    with replacing(environment.with_name(_MARKER)) as part:
        part.write_text(json.dumps(marker), encoding="utf-8")


def folder_megabytes(folder: Path) -> int:
    """Size of all files in a folder, in millions of bytes; links are not followed."""
    return round(folder_bytes(folder) / 1e6)


def folder_bytes(folder: Path) -> int:
    """Size of all files in a folder; what vanishes meanwhile counts nothing."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(root) / name).lstat().st_size
    return total


def hold_environment() -> None:
    """For the worker: while this process lives, nobody removes the environment that it runs in.

    On Windows a folder with a running program cannot be renamed, which is enough.
    """
    lock = Path(sys.prefix) / _LOCK
    if os.name == "nt" or not Path(sys.prefix).name.startswith(PREFIX):
        return
    import fcntl  # noqa: PLC0415  # exists on POSIX only

    with contextlib.suppress(OSError):  # a folder that is read-only cannot be removed either
        _held.append(lock.open("ab"))
        fcntl.flock(_held[-1], fcntl.LOCK_SH | fcntl.LOCK_NB)


def is_in_use(environment: Path) -> bool:
    """A worker, of this Blender or another, runs in the environment (POSIX; see ``remove``)."""
    lock = environment / _LOCK
    if os.name == "nt" or not lock.exists():
        return False
    import fcntl  # noqa: PLC0415  # exists on POSIX only

    try:
        with lock.open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False


def remove(environment: Path) -> bool:
    """Delete an environment; False, with all of it left, where a worker runs in it."""
    if is_in_use(environment):
        return False
    doomed = environment.with_name(environment.name.removesuffix(_DOOMED) + _DOOMED)
    try:  # Windows will not rename a folder that has a program running in it
        environment.rename(doomed)
    except OSError:
        return False
    shutil.rmtree(doomed, ignore_errors=True)
    return True


def remove_all(folder: Path) -> int:
    """Delete every environment of a folder; returns the megabytes that were freed.

    MMMError, with nothing deleted, where a worker runs in the one that counts.
    """
    current = current_name(folder)
    before = folder_bytes(folder)
    if current and (folder / current).is_dir() and not remove(folder / current):
        raise MMMError(
            "The model of another Blender runs in that folder: close that Blender, then press "
            "Remove again."
        )
    (folder / _MARKER).unlink(missing_ok=True)
    for path in folder.glob(PREFIX + "*"):
        if _is_old(path):
            remove(path)
    return round((before - folder_bytes(folder)) / 1e6)


def remove_leftovers(folder: Path, replaced: str = "") -> None:
    """Half-made environments of some hours ago, and the one that was ``replaced`` just now."""
    current = current_name(folder)
    for path in folder.glob(PREFIX + "*"):
        if path.name != current and (path.name == replaced or _is_old(path)):
            remove(path)


def _is_old(path: Path) -> bool:
    try:
        return path.stat().st_mtime < time.time() - _LEFTOVER_SECONDS
    except OSError:
        return False


def other_environments(folder: Path) -> list[Path]:
    """Folders like ``folder`` that belong to other versions of Blender and hold a whole
    environment, the newest version first.

    Blender keeps a person's files in CONFIG/VERSION/...; ``folder`` lies somewhere below VERSION.
    """
    for above in folder.parents:
        if _is_version(above.name):
            inside = folder.relative_to(above)
            versions = [path for path in _folders(above.parent)
                        if _is_version(path.name) and path != above]  # fmt: skip
            newest = sorted(versions, key=lambda path: _version(path.name), reverse=True)
            return [path / inside for path in newest if environment_python(path / inside)]
    return []


def _folders(folder: Path) -> list[Path]:
    try:
        return [path for path in folder.iterdir() if path.is_dir()]
    except OSError:
        return []


def _is_version(name: str) -> bool:
    parts = name.split(".")
    return len(parts) == 2 and all(part.isdecimal() for part in parts)


def _version(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.split("."))
