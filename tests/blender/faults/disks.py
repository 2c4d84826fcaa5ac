"""Disks that are full or read-only, folders that are gone: mounted for a test, as root on Linux."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

MEGABYTES = 8
STATES = ("full", "read-only", "gone", "a file")


@dataclass(frozen=True)
class Disk:
    """A small disk of its own. work: the folder on it that is used."""

    mount: Path

    @property
    def work(self) -> Path:
        return self.mount / "work"

    def becomes(self, state: str) -> None:
        """From now on it is full or read-only, or its folder is gone or is a file."""
        if state == "full":
            fill(self.mount / "filler")
        elif state == "read-only":
            self.mounted_again("ro")
        else:
            shutil.rmtree(self.work)
            if state == "a file":
                self.work.write_bytes(b"no folder")

    def mounted_again(self, how: str) -> None:
        """With other options, such as "ro"."""
        command = ["mount", "-t", "tmpfs", "-o", f"remount,{how}", "tmpfs", str(self.mount)]
        subprocess.run(command, check=True)

    def files(self) -> dict[str, bytes]:
        """What lies in the folder, hidden files too."""
        if not self.work.is_dir():
            return {}
        found = (path for path in sorted(self.work.rglob("*")) if path.is_file())
        return {str(path.relative_to(self.work)): path.read_bytes() for path in found}


def fill(path: Path) -> None:
    """Take every byte that is left."""
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


@contextmanager
def small_disk(mount: Path) -> Generator[Disk]:
    """Mounts a disk of 8 MB; skips the test where that is not allowed."""
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("disks are mounted as root on Linux only")
    mount.mkdir(exist_ok=True)
    kind = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(mount)]
    done = subprocess.run(kind, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"no disk can be mounted here: {done.stderr.strip()}")
    disk = Disk(mount)
    try:
        disk.work.mkdir()
        yield disk
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)


def outcome(press: Callable[[], set[str]]) -> str:
    """What a press came to: "" where it was done, else its one sentence."""
    try:
        assert press() == {"FINISHED"}
    except RuntimeError as error:
        said = str(error).strip()
        assert said.startswith("Error: ") and "\n" not in said, said
        assert "Traceback" not in said and "Errno" not in said, said
        return said
    return ""
