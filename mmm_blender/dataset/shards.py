"""A shard: one Parquet file of clips, whole or not there, and beside it a tar of them if chosen.

What is in a shard's Parquet file is decided by its rows, the bundle and the settings alone, not by
who made it and when: a shard that two actors make is the same file. The Parquet file takes its name
last, so that a shard is whole as soon as it has one.

T frames, L token places, P columns of the grid, J joints.
"""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from ..common.arrays import AnyArray
from ..geometry.skeleton import ANIMATED_JOINTS
from .wanted import WantedClip

ENDING = ".parquet"
PARTIAL = ".part"
TAR_ENDING = ".tar"
FIGURES = (
    "foot_slide_cm_s",
    "feet_below_floor_cm",
    "frames_in_contact_pct",
    "frames_beyond_limits_pct",
    "jerk_m_s3",
    "text_similarity",
    "copy_distance_mm",
)
"""What is measured of a clip; null where it was not."""

_METADATA = b"mmm"
_FORMAT = 1
_ROTATION = 4 * ANIMATED_JOINTS


@dataclass(frozen=True, eq=False)
class StoredClip:
    """A clip of a data set. rotations_TJ4: float16, w first, local. root_T3: float32, metres.
    figures: of FIGURES, what was measured."""

    key: str
    name: str
    prompt: str
    seconds: float
    seed: int
    bundle_hash: str
    fps: float
    twist_estimated: bool
    tokens_LP: AnyArray
    rotations_TJ4: AnyArray
    root_T3: AnyArray
    figures: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True)
class Rejected:
    """A clip that was made and did not pass. reason: the filter's sentence."""

    key: str
    name: str
    reason: str


@dataclass(frozen=True)
class ShardNote:
    """What a shard's file says of itself. tar: size in bytes of the tar beside it, 0 without."""

    rejected: tuple[Rejected, ...] = ()
    tar: int = 0


@dataclass(frozen=True)
class ShardTask:
    """Rows that become one shard. name: without an ending."""

    name: str
    clips: tuple[WantedClip, ...]

    @classmethod
    def of(cls, clips: Sequence[WantedClip], bundle_hash: str) -> ShardTask:
        """Named after its first line and all its keys."""
        keys = " ".join(sorted(clip.key(bundle_hash) for clip in clips))
        digest = hashlib.sha256(keys.encode()).hexdigest()
        return cls(f"clips-{clips[0].line:09d}-{digest[:16]}", tuple(clips))

    def halves(self, bundle_hash: str) -> list[ShardTask]:
        """The same rows as two shards."""
        middle = len(self.clips) // 2
        return [
            ShardTask.of(part, bundle_hash) for part in (self.clips[:middle], self.clips[middle:])
        ]


def write_shard(
    folder: Path, name: str, clips: Sequence[StoredClip], note: ShardNote, columns: int
) -> int:
    """Write the Parquet file; returns its bytes. columns: of the token grid. OSError where it
    cannot be written, with nothing left of it."""
    metadata = {_METADATA: json.dumps({"format": _FORMAT, **asdict(note)}).encode()}
    table = _table(clips, columns).replace_schema_metadata(metadata)
    with partial_file(folder / (name + ENDING)) as path:
        with path.open("wb") as file:
            pq.write_table(table, file, compression="zstd")
            file.flush()
            os.fsync(file.fileno())
        return path.stat().st_size


class partial_file:  # noqa: N801  (a context manager reads as a verb)
    """A file that takes its name when the block ends well, and is removed when it does not."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{PARTIAL}")

    def __enter__(self) -> Path:
        return self._part

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._part.replace(self.path)
        finally:
            self._part.unlink(missing_ok=True)


def _table(clips: Sequence[StoredClip], columns: int) -> Any:
    return pa.table(
        {
            "key": pa.array([clip.key for clip in clips], pa.string()),
            "name": pa.array([clip.name for clip in clips], pa.string()),
            "prompt": pa.array([clip.prompt for clip in clips], pa.string()),
            "seconds": pa.array([clip.seconds for clip in clips], pa.float64()),
            "seed": pa.array([clip.seed for clip in clips], pa.int64()),
            "bundle_hash": pa.array([clip.bundle_hash for clip in clips], pa.string()),
            "fps": pa.array([clip.fps for clip in clips], pa.float64()),
            "twist_estimated": pa.array([clip.twist_estimated for clip in clips], pa.bool_()),
            "tokens": _nested([clip.tokens_LP for clip in clips], columns, np.int32),
            "rotations": _nested([clip.rotations_TJ4 for clip in clips], _ROTATION, np.float16),
            "root": _nested([clip.root_T3 for clip in clips], 3, np.float32),
            "figures": pa.array(
                [{name: clip.figures.get(name) for name in FIGURES} for clip in clips],
                pa.struct([(name, pa.float64()) for name in FIGURES]),
            ),
        }
    )


def _nested(arrays: Sequence[AnyArray], width: int, kind: type[np.generic]) -> Any:
    """Arrays of any first dimension as lists of rows of ``width`` numbers."""
    rows = [array.reshape(len(array), width).astype(kind) for array in arrays]
    offsets = np.cumsum([0, *map(len, rows)], dtype=np.int32)
    flat = np.concatenate(rows).ravel() if rows else np.empty(0, dtype=kind)
    values = pa.FixedSizeListArray.from_arrays(pa.array(flat), width)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def read_shard(path: Path) -> Iterator[StoredClip]:
    """The clips of a shard's Parquet file, one at a time."""
    with pq.ParquetFile(path) as file:
        for batch in file.iter_batches(batch_size=64):
            for row in range(batch.num_rows):
                yield _stored(batch, row)


def _stored(batch: Any, row: int) -> StoredClip:
    values: dict[str, Any] = {
        name: batch.column(name)[row].as_py()
        for name in ("key", "name", "prompt", "seconds", "seed", "bundle_hash", "fps")
    }
    figures = cast("dict[str, float | None]", batch.column("figures")[row].as_py())
    return StoredClip(
        **values,
        twist_estimated=batch.column("twist_estimated")[row].as_py(),
        tokens_LP=_rows(batch, "tokens", row),
        rotations_TJ4=_rows(batch, "rotations", row).reshape(-1, ANIMATED_JOINTS, 4),
        root_T3=_rows(batch, "root", row),
        figures={name: value for name, value in figures.items() if value is not None},
    )


def _rows(batch: Any, column: str, row: int) -> AnyArray:
    values = batch.column(column)[row].values
    width = values.type.list_size
    return values.flatten().to_numpy(zero_copy_only=False).reshape(-1, width)


def read_note(path: Path) -> ShardNote:
    """What a shard's file says of itself; ValueError where it is no file of ours."""
    metadata = pq.read_schema(path).metadata or {}
    content = json.loads(metadata.get(_METADATA, b"null"))
    if not isinstance(content, dict) or cast("dict[str, Any]", content).get("format") != _FORMAT:
        raise ValueError("it is none of MMM's shards")
    values = cast("dict[str, Any]", content)
    rejected = tuple(Rejected(**entry) for entry in values["rejected"])
    return ShardNote(rejected, int(values["tar"]))


def read_keys(path: Path) -> list[str]:
    """Keys of all clips that the shard settles: those in it, and those that did not pass."""
    keys = cast("list[str]", pq.read_table(path, columns=["key"])["key"].to_pylist())
    return keys + [entry.key for entry in read_note(path).rejected]
