"""Makes shards: what runs in each actor, wherever that is."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import numpy as np

from ..common.errors import MMMError
from ..common.package import PACKAGE_FOLDER, package_version
from ..geometry.clip import MotionClip
from .shards import (
    ENDING,
    TAR_ENDING,
    Rejected,
    ShardNote,
    ShardTask,
    StoredClip,
    write_shard,
)
from .wanted import WantedClip


@dataclass(frozen=True)
class MakerSettings:
    """What every actor knows. bundle: folder of the weights, on every machine. shards: folder
    that all machines share. threads: CPU threads of an actor. batch: clips at once. formats: of
    the tar beside a shard; none: no tar. fps: 0 for the bundle's own. filters, evaluator,
    training_set: see ``figures``; "" for none."""

    bundle: str
    bundle_hash: str
    shards: str
    device: str = "cpu"
    threads: int = 1
    batch: int = 1
    fps: float = 0.0
    pin_feet: bool = True
    formats: tuple[str, ...] = ()
    filters: dict[str, float] = field(default_factory=dict[str, float])
    evaluator: str = ""
    training_set: str = ""


@dataclass(frozen=True)
class Failure:
    """A row that was not made. line: of the table. sentence: why."""

    line: int
    name: str
    sentence: str


@dataclass(frozen=True)
class ShardDone:
    """What became of a shard. files: bytes on disk. cpu_seconds: of the actor. sums: of each
    figure over the clips that have it, with their number."""

    name: str
    made: int
    rejected: int
    failures: tuple[Failure, ...]
    file_bytes: int
    cpu_seconds: float
    seconds: float
    sums: dict[str, tuple[float, int]]


@cache
def code_digest() -> str:
    """Stands for the program text of the package, however its lines end."""
    digest = hashlib.sha256()
    for path in sorted(PACKAGE_FOLDER.rglob("*.py")):
        digest.update(path.relative_to(PACKAGE_FOLDER).as_posix().encode())
        digest.update(path.read_bytes().replace(b"\r\n", b"\n"))
    return digest.hexdigest()[:16]


def check_package(version: str, digest: str) -> None:
    """MMMError unless this machine's package is the driver's."""
    if (version, digest) != (own := package_version(), code_digest()):
        raise MMMError(
            f"it has another version of MMM ({own}, {code_digest()}) than the machine that asks "
            f"({version}, {digest}): install the same on both"
        )


class Maker:
    """A bundle in memory that turns tasks into shards. MMMError where it cannot be loaded."""

    def __init__(self, settings: MakerSettings) -> None:
        # torch and the judges are heavy: only where clips are made
        from .figures import Filters, Measure  # noqa: PLC0415
        from .model import Model  # noqa: PLC0415

        self.settings = settings
        self._model = Model(Path(settings.bundle), settings.device, settings.threads)
        if self._model.bundle_hash != settings.bundle_hash:
            raise MMMError(
                f"its bundle in {settings.bundle} is another one ({self._model.bundle_hash[:12]}) "
                f"than the machine's that asks ({settings.bundle_hash[:12]}): copy that one there"
            )
        self._filters = Filters(**settings.filters)
        evaluator, training_set = settings.evaluator, settings.training_set
        self._measure = Measure(
            Path(evaluator) if evaluator else None, Path(training_set) if training_set else None
        )

    def make(self, task: ShardTask) -> ShardDone:
        """Make and write a shard. OSError where it cannot be written."""
        started, cpu = time.perf_counter(), time.process_time()
        failures: list[Failure] = []
        made = list(self._made(task.clips, failures))
        passed = [pair for pair in made if not isinstance(pair, Rejected)]
        rejected = [entry for entry in made if isinstance(entry, Rejected)]
        passed.sort(key=lambda pair: pair[0].key)  # whatever the order of the table
        rejected.sort(key=lambda entry: entry.key)
        size = self._write(task.name, passed, rejected)
        return ShardDone(
            task.name,
            len(passed),
            len(rejected),
            tuple(failures),
            size,
            time.process_time() - cpu,
            time.perf_counter() - started,
            _sums([stored for stored, _ in passed]),
        )

    def _made(
        self, clips: Sequence[WantedClip], failures: list[Failure]
    ) -> Iterator[tuple[StoredClip, MotionClip] | Rejected]:
        order = sorted(clips, key=lambda clip: (clip.seconds, clip.key(self.settings.bundle_hash)))
        for at in range(0, len(order), self.settings.batch):
            yield from self._batch(order[at : at + self.settings.batch], failures)

    def _batch(
        self, clips: Sequence[WantedClip], failures: list[Failure]
    ) -> list[tuple[StoredClip, MotionClip] | Rejected]:
        """A batch of clips of like lengths; one by one where the batch fails."""
        try:
            results = self._model.generate(clips, self.settings.fps, self.settings.pin_feet)
        except Exception as error:  # noqa: BLE001  # a process boundary: other rows go on
            if len(clips) > 1:
                return [row for clip in clips for row in self._batch([clip], failures)]
            failures.append(Failure(clips[0].line, clips[0].name, _sentence(error)))
            return []
        prompts = [clip.prompt for clip in clips]
        figures = self._measure.figures(prompts, [made.clip for made in results])
        rows: list[tuple[StoredClip, MotionClip] | Rejected] = []
        for wanted, made, measured in zip(clips, results, figures, strict=True):
            key = wanted.key(self.settings.bundle_hash)
            if reason := self._filters.reason(measured):
                rows.append(Rejected(key, wanted.name, reason))
                continue
            stored = StoredClip(
                key,
                wanted.name,
                wanted.prompt,
                wanted.seconds,
                wanted.seed,
                self.settings.bundle_hash,
                made.clip.fps,
                made.clip.twist_estimated,
                made.tokens_LP.astype(np.int32),
                made.clip.rotations_TJ4.astype(np.float16),
                made.clip.root_T3.astype(np.float32),
                measured,
            )
            rows.append((stored, made.clip))
        return rows

    def _write(
        self,
        name: str,
        passed: Sequence[tuple[StoredClip, MotionClip]],
        rejected: Sequence[Rejected],
    ) -> int:
        folder, tar = Path(self.settings.shards), 0
        if self.settings.formats:
            from .tar_files import write_tar  # noqa: PLC0415  # only where it is chosen

            tar = write_tar(folder / (name + TAR_ENDING), passed, self.settings.formats)
        note = ShardNote(tuple(rejected), tar)
        clips = [stored for stored, _ in passed]
        return tar + write_shard(folder, name, clips, note, self._model.columns)


def shard_path(folder: Path, name: str) -> Path:
    """Where a shard's Parquet file lies."""
    return folder / (name + ENDING)


def _sums(clips: Sequence[StoredClip]) -> dict[str, tuple[float, int]]:
    sums: dict[str, tuple[float, int]] = {}
    for clip in clips:
        for name, value in clip.figures.items():
            total, count = sums.get(name, (0.0, 0))
            sums[name] = (total + value, count + 1)
    return sums


def _sentence(error: Exception) -> str:
    if isinstance(error, MMMError):
        return str(error)
    first = next(iter(str(error).splitlines()), "")
    return f"It ended in an error that nobody has foreseen ({type(error).__name__}: {first})."
