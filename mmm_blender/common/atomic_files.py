"""Writing files so that a failure loses nothing: all of them are new, or all are as they were."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .errors import MMMError

PARTIAL = ".part"
"""Ends the names of files that are being written."""

_PREVIOUS = ".previous"
"""Ends the names of old files while the new ones take their place."""

TEMPORARY = (PARTIAL, _PREVIOUS)
"""Endings of what is left where writing was killed."""


def write_files(contents: Mapping[Path, bytes]) -> None:
    """Write files into folders that are there; MMMError, with nothing changed, if one fails.

    Every file is written in full before the first takes its name, in the order given; where one
    cannot take its name, those before it get their old content back.
    """
    parts = {path: _beside(path, PARTIAL) for path in contents}
    try:
        for path, content in contents.items():
            with writing(path):
                parts[path].write_bytes(content)
        _put_in_place(parts)
    finally:
        _remove(parts.values())


@contextmanager
def replacing(path: Path) -> Generator[Path, None, None]:
    """Gives the name under which a file is to be written, beside ``path``; where the block ends
    well, the file takes the place of the old one, which is there until then."""
    part = _beside(path, PARTIAL)
    try:
        with writing(path):
            yield part
            part.replace(path)
    finally:
        _remove([part])


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; MMMError where that can't be done."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)


@contextmanager
def writing(path: Path) -> Generator[None, None, None]:
    """An OSError while ``path`` is written becomes a sentence."""
    try:
        yield
    except OSError as error:
        raise MMMError(
            f"{path} could not be written ({error.strerror or error}): choose another folder or "
            "free space."
        ) from error


def _beside(path: Path, ending: str) -> Path:
    """A name of this process's own: another one may write the same file at the same time."""
    return path.with_name(f"{path.name}.{os.getpid()}{ending}")


def _put_in_place(parts: Mapping[Path, Path]) -> None:
    """Give every part its name, or leave every name what it stood for."""
    previous: dict[Path, Path] = {}
    placed: list[Path] = []
    try:
        for path, part in parts.items():
            with writing(path):
                if len(parts) > 1 and path.is_file():  # one alone takes its name in one go
                    previous[path] = path.replace(_beside(path, _PREVIOUS))
                part.replace(path)
            placed.append(path)
    except BaseException:  # an interrupt too must not leave half of the files new; raised again
        _remove(placed)
        for path, old in previous.items():
            with writing(path):
                old.replace(path)
        raise
    _remove(previous.values())


def _remove(paths: Iterable[Path]) -> None:
    """Remove what can be removed: a file that stays behind is no reason to fail."""
    for path in paths:
        with suppress(OSError):
            path.unlink(missing_ok=True)
