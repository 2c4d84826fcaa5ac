"""Contact sheets of a prepared data set: what is drawn, and how small the file is."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mmm_blender.common.errors import MMMError
from mmm_blender.training.data.motion_file import ClipRecord, save_motions
from tests.training.synthetic import walk_on_the_spot

pytest.importorskip("matplotlib", reason="a development dependency")

import motion_sheet
from _render import motion_lanes

RECORD = ClipRecord("a#0", "a", "bandai", "walk", "sad", "", 60)
RECORDS = [
    RECORD,
    replace(RECORD, name="b#0", content="run"),
    replace(RECORD, name="c#0", content="run", style="proud"),
    replace(RECORD, name="d#0", content="swim"),
]


def test_one_clip_of_each_kind_is_drawn_styles_in_turn() -> None:
    assert motion_sheet.chosen(RECORDS, [], 0) == [0, 2]
    assert motion_sheet.chosen(RECORDS, ["d#0", "a#0"], 0) == [3, 0]
    with pytest.raises(MMMError, match="no clip e#0: names look like a#0"):
        motion_sheet.chosen(RECORDS, ["e#0"], 0)


def test_a_lane_shows_the_clip_from_its_first_heading() -> None:
    clip = walk_on_the_spot(60)
    path = np.outer(np.linspace(0, 2, 60), [1.0, 1.0, 0.0])  # sideways, and up
    lane = motion_lanes.Lane.of("walks", clip.replace(root_T3=clip.root_T3 + path))
    first, last = lane.joints_TJ3[0], lane.joints_TJ3[-1]
    np.testing.assert_allclose(first[0, [0, 2]], 0, atol=1e-9)
    assert last[0, 1] - first[0, 1] == pytest.approx(2.0)
    assert lane.top > motion_lanes.TALL
    assert lane.times[0] == "0.0 s\n0.0 m"
    assert lane.times[-1].endswith(" s\n2.0 m")


def test_the_picture_is_written_and_small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clip = walk_on_the_spot(60)
    save_motions(tmp_path / "m.npz", RECORDS[:2], [clip, clip])
    out = tmp_path / "docs" / "sheet.png"
    words = ["motion_sheet.py", "--data", str(tmp_path / "m.npz"), "--out", str(out)]
    monkeypatch.setattr(sys, "argv", words)
    assert motion_sheet.main() == 0
    picture = motion_lanes.Image.open(out)
    pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3).astype(int)
    assert (pixels[:, 0] > pixels[:, 2] + 100).any()  # the orange left
    assert (pixels[:, 2] > pixels[:, 0] + 100).any()  # the blue right
    assert picture.width > picture.height
    assert out.stat().st_size < 100_000


def test_rounds_of_a_loop_follow_each_other() -> None:
    closed = walk_on_the_spot(31)
    way = np.linspace(0.0, 2.0, 31)[:, None] * np.array([0.0, 0.0, 1.0])
    closed = closed.replace(root_T3=closed.root_T3 * 0.0 + way)
    played = motion_sheet.in_rounds(closed, 3)
    assert played.frames == 90
    np.testing.assert_allclose(np.diff(played.root_T3[:, 2]), 2.0 / 30.0)
    assert (played.rotations_TJ4[30:60] == closed.rotations_TJ4[:30]).all()
