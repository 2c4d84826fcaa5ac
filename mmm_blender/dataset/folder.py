"""The folder of a data set: what it was made with, who writes to it, which shards are whole."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, cast

import pyarrow as pa

from ..common.atomic_files import make_folder, write_files
from ..common.errors import MMMError
from ..common.untrusted import clean_text, file_bytes, json_value
from .shards import ENDING, PARTIAL, TAR_ENDING, read_keys, read_note

FACTS_NAME = "dataset.json"
REPORT_NAME = "report.json"
FAILURES_NAME = "failures.jsonl"
_LOCK_NAME = "run.lock"
_VERSION = 1
_MOST_BYTES = 2**20


@dataclass(frozen=True)
class Facts:
    """What all clips of a data set have in common; ``dataset.json`` holds it.

    bundle: its name. formats: beside Parquet. The others are as in ``MakerSettings``.
    """

    bundle: str
    bundle_hash: str
    fps: float
    pin_feet: bool
    formats: tuple[str, ...]
    filters: dict[str, float]


class DatasetFolder:
    """A folder that one run writes to. Enter it to have it alone."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shards = path / "shards"

    def __enter__(self) -> DatasetFolder:
        make_folder(self.shards)
        self._take()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        with suppress(OSError):
            (self.path / _LOCK_NAME).unlink()

    def settle(self, facts: Facts) -> None:
        """Write the facts into a new folder; MMMError where the folder has others."""
        path = self.path / FACTS_NAME
        wanted = {"version": _VERSION, **_plain(facts)}
        if not path.exists():
            if any(self.shards.glob(f"*{ENDING}")):
                raise MMMError(
                    f"{self.shards} has shards and no {FACTS_NAME}: choose another --out."
                )
            write_files({path: json.dumps(wanted, indent=1).encode()})
            return
        found = self._facts(path)
        if found.get("bundle_hash") != facts.bundle_hash:
            raise MMMError(
                f"{self.path} has shards of another bundle "
                f"({clean_text(found.get('bundle'))}, {clean_text(found.get('bundle_hash'))[:12]}) "
                f"than {facts.bundle} ({facts.bundle_hash[:12]}): choose another --out."
            )
        if odd := [name for name in wanted if found.get(name) != wanted[name]]:
            raise MMMError(
                f"{self.path} was made with other settings ({odd[0]}: "
                f"{clean_text(found.get(odd[0]))}, not {clean_text(wanted[odd[0]])}): choose "
                "another --out or the same settings."
            )

    def _facts(self, path: Path) -> dict[str, Any]:
        try:
            content = json_value(file_bytes(path, _MOST_BYTES))
        except (OSError, ValueError) as error:
            raise MMMError(
                f"{path} could not be read ({clean_text(str(error))}): choose another --out."
            ) from error
        return cast("dict[str, Any]", content) if isinstance(content, dict) else {}

    def clean(self) -> None:
        """Remove what runs that were killed left behind."""
        for path in self.shards.glob(f".*{PARTIAL}"):
            path.unlink(missing_ok=True)
        for path in self.shards.glob(f"*{TAR_ENDING}"):
            if not path.with_suffix(ENDING).exists():
                path.unlink()

    def stored_keys(self, say: Callable[[str], None]) -> Iterator[list[str]]:
        """The keys that each whole shard settles. A damaged one is removed, and said."""
        for path in sorted(self.shards.glob(f"*{ENDING}")):
            try:
                yield _keys_of(path)
            except (OSError, ValueError, KeyError, TypeError, pa.ArrowException) as error:
                reason = clean_text(str(error))
                say(f"The shard {path.name} is damaged ({reason}): its clips are made again.")
                path.unlink()

    def _take(self) -> None:
        """Have the folder alone; a lock of a process that has ended counts for nothing."""
        lock = self.path / _LOCK_NAME
        mine = {"host": platform.node(), "process": os.getpid()}
        for _ in range(2):
            try:
                with lock.open("x", encoding="utf-8") as file:
                    json.dump(mine, file)
                return
            except FileExistsError:
                holder = _holder(lock)
                if holder is not None:
                    raise MMMError(
                        f"Another run ({holder}) writes into {self.path}: wait for it, or delete "
                        f"{lock} if it has ended."
                    ) from None
                lock.unlink(missing_ok=True)
            except OSError as error:
                raise MMMError(
                    f"{self.path} cannot be written to ({error.strerror}): choose another --out."
                ) from error
        raise MMMError(f"Another run has just begun to write into {self.path}: wait for it.")


def _plain(facts: Facts) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(json.dumps(asdict(facts))))


def _keys_of(path: Path) -> list[str]:
    """The keys of a whole shard; an error where it is not whole."""
    tar = path.with_suffix(TAR_ENDING)
    wanted = read_note(path).tar
    if wanted and (not tar.exists() or tar.stat().st_size != wanted):
        raise ValueError("the tar beside it is not the one that was written")
    return read_keys(path)


def _holder(lock: Path) -> str | None:
    """Who has the lock, in words; None where that process has ended (known on its own host)."""
    try:
        content = json_value(file_bytes(lock, _MOST_BYTES))
        values = cast("dict[str, Any]", content) if isinstance(content, dict) else {}
    except (OSError, ValueError):
        return "of which nothing is known"
    host, process = values.get("host"), values.get("process")
    if host == platform.node() and isinstance(process, int) and not _runs(process):
        return None
    return f"process {clean_text(process)} on {clean_text(host)}"


def _runs(process: int) -> bool:
    """Whether a process of this machine is there."""
    if os.name == "nt":  # asking there would end it: the person decides
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return process != os.getpid()
