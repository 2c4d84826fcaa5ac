from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.rotations import normalize, quat_angle
from mmm_blender.training.data.motion_file import ClipRecord, load_motions, save_motions


def random_clip(frames: int, seed: int) -> MotionClip:
    rng = np.random.default_rng(seed)
    return MotionClip(normalize(rng.normal(size=(frames, 22, 4))), rng.normal(size=(frames, 3)) * 5)


def record(name: str, frames: int) -> ClipRecord:
    return ClipRecord(name, name, "bandai", "walk", "normal", "", frames)


def test_clips_come_back_to_half_a_step(tmp_path: Path) -> None:
    clips = [random_clip(frames, seed) for seed, frames in enumerate((30, 1, 57))]
    records = [record(f"clip{at}", clip.frames) for at, clip in enumerate(clips)]
    save_motions(tmp_path / "m.npz", records, clips)
    read_records, read_clips = load_motions(tmp_path / "m.npz")
    assert read_records == records
    for clip, read in zip(clips, read_clips, strict=True):
        assert np.degrees(quat_angle(read.rotations_TJ4, clip.rotations_TJ4)).max() < 0.01
        np.testing.assert_allclose(read.root_T3, clip.root_T3, atol=5.01e-5)


def test_a_damaged_file_is_told_in_one_sentence(tmp_path: Path) -> None:
    path = tmp_path / "m.npz"
    save_motions(path, [record("a", 10)], [random_clip(10, 0)])
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(MMMError, match=r"prepare_motions\.py"):
        load_motions(path)
    with pytest.raises(MMMError, match="no prepared data set"):
        load_motions(tmp_path / "missing.npz")
