"""How far a download is, seen from the folder that pip fills: it tells nobody itself."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from .environments import folder_bytes

_ANNOUNCED = re.compile(r"^Downloading (\S+) \((\d+(?:\.\d+)?) (kB|MB|GB)\)")
_UNITS = {"kB": 1e3, "MB": 1e6, "GB": 1e9}
_LEAST_SECONDS = 3.0  # before that the speed is a guess


@dataclass
class DownloadMeter:
    """folder: what pip downloads to. expected: bytes in all, as far as is known beforehand."""

    folder: Path
    expected: float
    clock: Callable[[], float] = time.monotonic
    _announced: float = 0.0
    _began: float | None = None
    _most: int = field(default=0)

    def hear(self, line: str) -> None:
        """A line of pip: it says of every file how large it is."""
        if (found := _ANNOUNCED.match(line)) is not None:
            self._announced += float(found[2]) * _UNITS[found[3]]
            self._began = self._began or self.clock()

    @property
    def total(self) -> float:
        """Bytes in all: what was expected, or more where pip has announced more."""
        return max(self.expected, self._announced)

    def done(self) -> int:
        """Bytes that are here. pip unpacks from the same folder, so that it may shrink."""
        self._most = max(self._most, folder_bytes(self.folder))
        return self._most

    def fraction(self) -> float:
        """Part of the bytes that are here, 0 to 1."""
        return min(1.0, self.done() / self.total) if self.total else 0.0

    def text(self) -> str:
        """Such as "113 of 192 MB, 40 s left"; "" before anything was announced."""
        if self._began is None:
            return ""
        done, total, seconds = self.done(), self.total, self.clock() - self._began
        shown = f"{min(done, total) / 1e6:,.0f} of {total / 1e6:,.0f} MB"
        if seconds < _LEAST_SECONDS or not done or done >= total:
            return shown
        return f"{shown}, {_duration((total - done) * seconds / done)} left"


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 90.0 else f"{seconds / 60.0:.0f} min"
