"""What the tests of data sets share."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="the extra 'cluster' is not installed in this Python")

from mmm_blender.dataset.maker import MakerSettings
from mmm_blender.dataset.shards import StoredClip, read_shard
from mmm_blender.dataset.wanted import WantedClip
from tests.batch.conftest import tiny_bundle

__all__ = ["tiny_bundle"]

HASH = "ab" * 32
WriteTable = Callable[..., Path]


@pytest.fixture
def write_table(tmp_path: Path) -> WriteTable:
    """Writes a CSV file from lines of text."""

    def write(rows: Sequence[str], columns: str = "name,prompt,seconds,seed") -> Path:
        path = tmp_path / "clips.csv"
        path.write_text("\n".join([columns, *rows, ""]), encoding="utf-8")
        return path

    return write


def wanted(line: int, seconds: float = 1.0, prompt: str = "a person walks") -> WantedClip:
    return WantedClip(line, f"clip{line}", prompt, seconds, line)


def stored(line: int, frames: int = 12, **more: Any) -> StoredClip:
    rng = np.random.default_rng(line)
    clip = wanted(line)
    facts: dict[str, Any] = {
        "key": clip.key(HASH),
        "name": clip.name,
        "prompt": clip.prompt,
        "seconds": clip.seconds,
        "seed": clip.seed,
        "bundle_hash": HASH,
        "fps": 20.0,
        "twist_estimated": False,
        "tokens_LP": rng.integers(0, 512, (frames // 4, 4)),
        "rotations_TJ4": rng.normal(size=(frames, 22, 4)).astype(np.float16),
        "root_T3": rng.normal(size=(frames, 3)).astype(np.float32),
        "figures": {"foot_slide_cm_s": 1.5},
    }
    return StoredClip(**(facts | more))


def all_clips(out: Path) -> list[StoredClip]:
    """Every clip of a data set, shard after shard."""
    return [clip for path in sorted(out.glob("shards/*.parquet")) for clip in read_shard(path)]


def settings_of(bundle: Path, bundle_hash: str, shards: Path, **more: Any) -> MakerSettings:
    return MakerSettings(str(bundle), bundle_hash, str(shards), **more)


PYTHON = Path(sys.executable)
