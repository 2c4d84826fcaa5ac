"""The tar beside a shard, as WebDataset reads it: for every clip ``KEY.npz`` or ``KEY.bvh`` and
``KEY.json``. The same clips give the same bytes."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from ..geometry.bvh import bvh_text
from ..geometry.clip import MotionClip
from ..geometry.skeleton import ANIMATED_JOINTS, SMPL
from .shards import StoredClip, partial_file


def write_tar(
    path: Path, clips: Sequence[tuple[StoredClip, MotionClip]], formats: Sequence[str]
) -> int:
    """Write the clips; returns the tar's bytes. OSError where it cannot be written."""
    with partial_file(path) as part:
        with tarfile.open(part, "w", format=tarfile.PAX_FORMAT) as tar:
            for stored, clip in clips:
                for kind in formats:
                    _add(tar, f"{stored.key}.{kind}", FORMATS[kind](clip))
                _add(tar, f"{stored.key}.json", _facts(stored))
        return part.stat().st_size


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))


def _npz(clip: MotionClip) -> bytes:
    packed = io.BytesIO()
    np.savez(
        packed,
        rotations=clip.rotations_TJ4.astype(np.float32),
        root=clip.root_T3.astype(np.float32),
        fps=np.array(clip.fps),
        twist_estimated=np.array(clip.twist_estimated),
        joints=np.array(SMPL.names[:ANIMATED_JOINTS]),
        parents=np.array(SMPL.parents[:ANIMATED_JOINTS]),
    )
    return packed.getvalue()


def _bvh(clip: MotionClip) -> bytes:
    return bvh_text(clip).encode()


def _facts(stored: StoredClip) -> bytes:
    names = ("key", "name", "prompt", "seconds", "seed", "bundle_hash", "fps", "twist_estimated")
    facts = {name: getattr(stored, name) for name in names}
    facts |= {"tokens": stored.tokens_LP.tolist(), "figures": dict(stored.figures)}
    return json.dumps(facts, ensure_ascii=False).encode()


FORMATS: dict[str, Callable[[MotionClip], bytes]] = {"npz": _npz, "bvh": _bvh}
"""What a tar may hold of a clip."""
