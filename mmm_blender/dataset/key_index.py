"""Which keys a data set has, on disk: a table of any length leaves the driver's memory as it is."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

STORED = 0
"""The line of a key that a shard of an earlier run holds; lines of a table count from 1."""

_CACHE_KIB = 8192


class KeyIndex:
    """Keys (hexadecimal) and the lines that asked for them first, in a file of its own that goes
    with it. Shards alone are the truth: the index is made again from them at every start."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="mmm-keys-", ignore_cleanup_errors=True)
        file = Path(self._folder.name) / "keys.sqlite"
        self._connection = sqlite3.connect(file, isolation_level=None)
        for setting in ("journal_mode=OFF", "synchronous=OFF", f"cache_size=-{_CACHE_KIB}"):
            self._connection.execute(f"PRAGMA {setting}")
        self._connection.execute("CREATE TABLE keys (key BLOB PRIMARY KEY, line INT) WITHOUT ROWID")
        self._connection.execute("BEGIN")

    def __enter__(self) -> KeyIndex:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Remove the file."""
        self._connection.close()
        self._folder.cleanup()

    def add_stored(self, keys: Iterable[str]) -> int:
        """Keys of a shard; returns how many of them another shard had before."""
        return sum(self.first_line(key, STORED) is not None for key in keys)

    def first_line(self, key: str, line: int) -> int | None:
        """None for a key that is new, which belongs to ``line`` from now on; else the line that it
        belongs to, or STORED."""
        row = (bytes.fromhex(key), line)
        added = self._connection.execute("INSERT OR IGNORE INTO keys VALUES (?, ?)", row)
        if added.rowcount:
            return None
        found = self._connection.execute("SELECT line FROM keys WHERE key = ?", row[:1])
        return int(found.fetchone()[0])
