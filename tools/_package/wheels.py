"""Fetches the wheels of a platform, each checked against its pinned hash, and keeps them."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path

from .platforms import BuildError, Platform

_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)", re.MULTILINE)
_PIP = ("-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--only-binary", ":all:", "--require-hashes")  # fmt: skip


def fetch_wheels(platform: Platform, cache: Path) -> list[Path]:
    """Every wheel that the platform's zip holds; only what ``cache`` lacks is downloaded.

    BuildError where one cannot be had or is not the one that was pinned.
    """
    hashes, pins = _pins(platform.requirements)
    folder = cache / platform.name
    folder.mkdir(parents=True, exist_ok=True)
    found: list[Path] = []
    for python in platform.pythons:
        if any(_wheel(folder, pin, python, hashes) is None for pin in pins):
            _download(platform, python, folder)
        for pin in pins:
            wheel = _wheel(folder, pin, python, hashes)
            if wheel is None:
                raise BuildError(
                    f"pip brought no {'-'.join(pin)} for Python {python} on {platform.name} with a "
                    f"hash that {platform.requirements.name} names."
                )
            found.append(wheel)
    return found


def file_hash(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _pins(requirements: Path) -> tuple[set[str], list[tuple[str, str]]]:
    """The hashes that are allowed, and the packages as (name, version)."""
    text = requirements.read_text(encoding="utf-8")
    return set(_HASH.findall(text)), [(name, version) for name, version in _PIN.findall(text)]


def _wheel(folder: Path, pin: tuple[str, str], python: str, hashes: set[str]) -> Path | None:
    """The kept wheel of a package for a Python, if it is the pinned one."""
    tag = "cp" + python.replace(".", "")
    for path in folder.glob(f"{pin[0]}-{pin[1]}-{tag}-*.whl"):
        if file_hash(path) in hashes:
            return path
        path.unlink()  # half a download, or another's
    return None


def _download(platform: Platform, python: str, folder: Path) -> None:
    command = [sys.executable, *_PIP, "--platform", platform.tag, "--python-version", python,
               "--dest", str(folder), "-r", str(platform.requirements)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        errors = (
            [line for line in lines if line.startswith("ERROR")] or lines or ["no reason given"]
        )
        raise BuildError(
            f"pip could not download the wheels of {platform.name} for Python {python}: "
            f"{errors[-1].strip()}"
        )
