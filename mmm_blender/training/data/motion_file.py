"""One compact file that holds a prepared data set: SMPL clips at 20 fps with their labels.

A compressed ``.npz``: rotation vectors as int16 steps of pi / 32767 (0.0055 degrees), the root as
int32 steps of 0.1 mm, both as differences over time, all clips end to end, channel by channel
(so that it packs well), and a JSON table of the clips. Quantising is exact to half a step.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from ...common.arrays import AnyArray, FloatArray
from ...common.atomic_files import replacing
from ...common.errors import MMMError
from ...geometry.clip import MotionClip
from ...geometry.rotations import quat_to_rotation_vector, rotation_vector_to_quat
from ...geometry.skeleton import ANIMATED_JOINTS
from .measured import Measured

FORMAT = 3
_READABLE = (2, FORMAT)  # format 2 measured less
_ROTATION_STEP = np.pi / 32767
_ROOT_STEP = 1e-4


@dataclass(frozen=True)
class ClipRecord:
    """What is known of a clip.

    name: unique. take: the source file it was cut from (clips of one take never part between
    training and test). source: such as "bandai" or "cmu". content, style: words of the label,
    such as "walk-turn-left" and "elderly" (CMU: content "cmu", style ""). label: free text where
    there is one. frames: length at 20 fps. measured: what the motion shows (None: not measured).
    """

    name: str
    take: str
    source: str
    content: str
    style: str
    label: str
    frames: int
    measured: Measured | None = None


def _deltas(steps: AnyArray, starts: AnyArray) -> AnyArray:
    """Differences over time that start again at each clip (the first row stays whole)."""
    deltas = np.diff(steps, axis=0, prepend=steps[:1] * 0)
    deltas[starts] = steps[starts]
    return np.ascontiguousarray(deltas.T)


def _undo_deltas(deltas: AnyArray, starts: AnyArray, dtype: type) -> AnyArray:
    rows = np.split(deltas.T, starts[1:])
    # the sums wrap around exactly as the differences did
    return np.concatenate([np.cumsum(rows_of_clip, axis=0, dtype=dtype) for rows_of_clip in rows])


def save_motions(path: Path, records: Sequence[ClipRecord], clips: Sequence[MotionClip]) -> None:
    """Write the file whole, or leave the one before."""
    starts = np.cumsum([0] + [clip.frames for clip in clips[:-1]])
    vectors = np.concatenate([quat_to_rotation_vector(clip.rotations_TJ4) for clip in clips])
    rotations = np.round(vectors.reshape(len(vectors), -1) / _ROTATION_STEP).astype(np.int16)
    root = np.round(np.concatenate([clip.root_T3 for clip in clips]) / _ROOT_STEP).astype(np.int32)
    table = json.dumps({"format": FORMAT, "clips": [asdict(record) for record in records]})
    with replacing(path) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            rotations=_deltas(rotations, starts),
            root=_deltas(root, starts),
            table=np.frombuffer(table.encode(), dtype=np.uint8),
        )


def _record(row: dict[str, Any]) -> ClipRecord:
    measured = row.pop("measured")
    return ClipRecord(**row, measured=None if measured is None else Measured(**measured))


def _split(values: FloatArray, records: Sequence[ClipRecord]) -> list[FloatArray]:
    return np.split(values, np.cumsum([record.frames for record in records])[:-1])


def load_motions(path: Path) -> tuple[list[ClipRecord], list[MotionClip]]:
    """Read the file; MMMError where it is missing, damaged or of another version."""
    try:
        with np.load(path, allow_pickle=False) as file:
            table = json.loads(bytes(file["table"]).decode())
            rotations, root = file["rotations"], file["root"]
    except (OSError, ValueError, KeyError, BadZipFile) as error:
        raise MMMError(
            f"{path} is no prepared data set ({error}): make it with tools/prepare_motions.py."
        ) from error
    if table["format"] not in _READABLE:
        raise MMMError(f"{path} has format {table['format']}, not {FORMAT}: prepare it again.")
    records = [_record(row) for row in table["clips"]]
    starts = np.cumsum([0] + [record.frames for record in records[:-1]])
    vectors = _undo_deltas(rotations, starts, np.int16) * _ROTATION_STEP
    quats = rotation_vector_to_quat(vectors.reshape(len(vectors), ANIMATED_JOINTS, 3))
    roots = _undo_deltas(root, starts, np.int32) * _ROOT_STEP
    pairs = zip(_split(quats, records), _split(roots, records), strict=True)
    return records, [MotionClip(q, r) for q, r in pairs]
