"""The report of a batch: what was made, how long it took, what failed; kept up to date on disk.

It is also the memory of a second run: a clip is done when its entry has the same recipe and its
files lie there with the sizes that were written.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from ..common.atomic_files import replacing, writing

VERSION = 2
_LOCK_SECONDS = 15.0
"""Longer than the report is ever written, also where the machine has much else to do."""
REPORT_NAME = "report.json"

Entry = dict[str, Any]

_ENDINGS = {"recipe": "recipe.json"}
"""Of files that are not called by their format."""


def file_name(name: str, kind: str) -> str:
    """What a clip's file of a format is called."""
    return f"{name}.{_ENDINGS.get(kind, kind)}"


class Report:
    """One JSON file: {"version", "clips": {name: entry}}."""

    def __init__(self, path: Path) -> None:
        """Reads the report of an earlier run; a damaged one counts as none."""
        self.path = path
        self.clips = _read(path)

    def is_done(self, name: str, recipe: Mapping[str, object], formats: Sequence[str]) -> bool:
        """Whether the clip was made just so and all its files are still there."""
        entry = self.clips.get(name, {})
        sizes = entry.get("files")
        if entry.get("recipe") != recipe or not isinstance(sizes, dict):
            return False
        files = {file_name(name, kind) for kind in formats}
        return files <= sizes.keys() and all(
            _size(self.path.parent / file) == sizes[file] for file in files
        )

    def done(
        self,
        name: str,
        recipe: Mapping[str, object],
        files: Sequence[Path],
        took: float,
        notes: Sequence[str] = (),
    ) -> None:
        """Note a clip that was made. took: seconds. notes: what could not be met, in sentences."""
        before = self.clips.get(name, {})
        same = before.get("recipe") == recipe  # the run before made other formats of it
        sizes = dict(before.get("files", {})) if same else {}
        sizes |= {file.name: file.stat().st_size for file in files}
        entry: Entry = {
            "status": "done",
            "recipe": dict(recipe),
            "files": sizes,
            "took": round(took, 3),
        }
        if notes:
            entry["notes"] = list(notes)
        self._note(name, entry)

    def failed(self, name: str, recipe: Mapping[str, object], sentence: str) -> None:
        """Note a clip that could not be made. What an earlier run made of it stays on disk."""
        self._note(name, {"status": "failed", "recipe": dict(recipe), "error": sentence})

    def _note(self, name: str, entry: Entry) -> None:
        """Beside what another run has noted in the same folder meanwhile."""
        with writing(self.path), _alone(self.path.with_name(f".{self.path.name}.lock")):
            self.clips = _read(self.path) | {name: entry}
            content = {"version": VERSION, "clips": self.clips}
            with replacing(self.path) as part:
                part.write_text(json.dumps(content, indent=1, ensure_ascii=False), encoding="utf-8")


@contextmanager
def _alone(lock: Path) -> Generator[None]:
    """Work that one run does at a time. A lock that is older than any such work was left behind."""
    seen, since = 0, time.monotonic()
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
            break
        except FileExistsError:
            made = _made(lock)
            if not made or made != seen:  # another run has had its turn
                seen, since = made, time.monotonic()
            elif time.monotonic() - since > _LOCK_SECONDS:
                lock.unlink(missing_ok=True)
            time.sleep(0.01)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _made(lock: Path) -> int:
    try:
        return lock.stat().st_mtime_ns
    except OSError:
        return 0


def _read(path: Path) -> dict[str, Entry]:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    if not isinstance(content, dict):
        return {}
    values = cast("dict[str, Any]", content)
    clips = values.get("clips")
    if values.get("version") != VERSION or not isinstance(clips, dict):
        return {}
    entries = cast("dict[str, object]", clips)
    return {name: cast(Entry, entry) for name, entry in entries.items() if isinstance(entry, dict)}


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
