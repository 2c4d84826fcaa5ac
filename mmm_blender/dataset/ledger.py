"""What a run did: counts, the report on disk, and the line that tells how far it is."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from ..common.atomic_files import write_files, writing
from ..common.errors import MMMError
from .dispatch import NodeCount
from .folder import FAILURES_NAME, REPORT_NAME, Facts
from .maker import Failure, ShardDone, shard_path

VERSION = 1
_NAMED = 100  # failures in the report itself; all of them are in the file beside it
_REPORT_SECONDS = 10.0
_LINE_SECONDS = 30.0  # between lines where nobody looks at a terminal
_SEEN_SECONDS = 10.0  # that a file may take to be seen through a network's file system


@dataclass
class Counts:
    """Rows of the table by what became of them. stored_before: by an earlier run. repeated: with
    the name and seed of an earlier row."""

    rows: int = 0
    made: int = 0
    rejected: int = 0
    stored_before: int = 0
    repeated: int = 0
    failed: int = 0

    @property
    def settled(self) -> int:
        """Rows that need no more work."""
        return self.made + self.rejected + self.stored_before + self.repeated + self.failed


@dataclass
class Ledger:
    """Keeps the counts of a run, and writes its report.

    total: rows of the table. out, shards: folders. facts: of the data set.
    """

    total: int
    out: Path
    shards: Path
    table: Path
    facts: Facts
    screen: TextIO = sys.stderr
    counts: Counts = field(default_factory=Counts)
    files: int = 0
    file_bytes: int = 0
    cpu_seconds: float = 0.0
    named: list[Failure] = field(default_factory=list[Failure])
    notes: list[str] = field(default_factory=list[str])
    sums: dict[str, tuple[float, int]] = field(default_factory=dict[str, tuple[float, int]])

    def __post_init__(self) -> None:
        self._started = time.monotonic()
        self._reported = self._line_said = self._started
        (self.out / FAILURES_NAME).unlink(missing_ok=True)

    def done(self, result: ShardDone) -> None:
        """Note a shard; MMMError where this machine does not see its file."""
        self.check_seen(result.name)
        self.files += 1
        self.file_bytes += result.file_bytes
        self.cpu_seconds += result.cpu_seconds
        self.counts.made += result.made
        self.counts.rejected += result.rejected
        for failure in result.failures:
            self.failed(failure)
        for name, (total, count) in result.sums.items():
            before = self.sums.get(name, (0.0, 0))
            self.sums[name] = (before[0] + total, before[1] + count)

    def check_seen(self, name: str) -> None:
        """MMMError where this machine does not see what an actor says that it has written."""
        path = shard_path(self.shards, name)
        until = time.monotonic() + _SEEN_SECONDS
        while not path.exists():
            if time.monotonic() > until:
                raise MMMError(
                    f"A node says that it has written {path}, and this machine does not see it: "
                    "choose an --out that all machines share."
                )
            time.sleep(0.1)

    def failed(self, failure: Failure) -> None:
        """Note a row that was not made, and name it."""
        self.counts.failed += 1
        self._name(failure)

    def repeated(self, failure: Failure) -> None:
        """Note a row that asks for the clip of an earlier one, and name it."""
        self.counts.repeated += 1
        self._name(failure)

    def _name(self, failure: Failure) -> None:
        if len(self.named) < _NAMED:
            self.named.append(failure)
        path = self.out / FAILURES_NAME
        with writing(path), path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(failure), ensure_ascii=False) + "\n")

    def say(self, sentence: str) -> None:
        """Tell and note what a person should know."""
        if len(self.notes) < _NAMED:
            self.notes.append(sentence)
        self.clear_line()
        print(f"generate_dataset: {sentence}", file=self.screen, flush=True)

    def tick(self, nodes: Iterable[NodeCount]) -> None:
        """Tell how far it is, and write the report, where it is time."""
        now = time.monotonic()
        if self.screen.isatty():
            self.clear_line()
            print(self.line(), end="", file=self.screen, flush=True)
        elif now - self._line_said > _LINE_SECONDS:
            self._line_said = now
            print(self.line(), file=self.screen, flush=True)
        if now - self._reported > _REPORT_SECONDS:
            self._reported = now
            self.write(nodes, ended=False)

    def clear_line(self) -> None:
        """Make room on a terminal for what is said next."""
        if self.screen.isatty():
            print("\r\x1b[K", end="", file=self.screen)

    @property
    def clips(self) -> int:
        """Clips that this run has made, passed or not."""
        return self.counts.made + self.counts.rejected

    @property
    def rate(self) -> float:
        """Clips a second since the run began."""
        return self.clips / max(time.monotonic() - self._started, 1e-9)

    def line(self) -> str:
        """How far it is, how fast, how long yet."""
        left = self.total - self.counts.settled
        words = f"{self.counts.settled} of {self.total} rows, {self.rate:.2f} clips/s"
        if self.clips and left > 0:
            words += f", {_duration(left / self.rate)} left"
        return words

    def write(self, nodes: Iterable[NodeCount], ended: bool, stopped: str = "") -> Path:
        """Write the report. stopped: what ended the run early, "" where nothing did."""
        path = self.out / REPORT_NAME
        content = json.dumps(self._content(nodes, ended, stopped), indent=1, ensure_ascii=False)
        write_files({path: content.encode()})
        return path

    def _content(self, nodes: Iterable[NodeCount], ended: bool, stopped: str) -> dict[str, Any]:
        seconds = time.monotonic() - self._started
        clips = max(self.clips, 1)
        return {
            "version": VERSION,
            "table": str(self.table),
            "bundle": self.facts.bundle,
            "bundle_hash": self.facts.bundle_hash,
            "ended": ended,
            "stopped_by": stopped,
            "counts": asdict(self.counts),
            "seconds": round(seconds, 3),
            "clips_per_second": round(self.rate, 3),
            "cpu_seconds_per_clip": round(self.cpu_seconds / clips, 4),
            "bytes_per_clip": round(self.file_bytes / clips),
            "shards": self.files,
            "figures": {name: total / count for name, (total, count) in sorted(self.sums.items())},
            "nodes": [
                {
                    "node": each.node.label,
                    "software": each.node.software,
                    "actors": each.actors,
                    "shards": each.shards,
                    "clips": each.clips,
                    "left_out": each.trouble,
                }
                for each in nodes
            ],
            "notes": self.notes,
            "failures": [asdict(failure) for failure in self.named],
            "failures_not_named_here": self.counts.failed + self.counts.repeated - len(self.named),
        }


def _duration(seconds: float) -> str:
    """Hours, minutes and seconds, as 2:05:09."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"
