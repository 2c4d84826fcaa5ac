"""Whether a model goes where it is told to, as evaluate.py measures it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.motion.features.smpl import encode_clip
from mmm_blender.training.data.measured import measure
from mmm_blender.training.data.motion_file import ClipRecord
from mmm_blender.training.evaluation import path_figures as paths
from tests.motion.tiny_models import tiny_generator
from tests.training.synthetic import walk_on_the_spot

FRAMES = 48


def walk(metres: float) -> MotionClip:
    base = walk_on_the_spot(FRAMES)
    root = base.root_T3.copy()
    root[:, 2] += metres * np.linspace(0, 1, FRAMES)
    return base.replace(root_T3=root)


def record(clip: MotionClip, content: str = "walk") -> ClipRecord:
    return ClipRecord("w", "w", "bandai", content, "normal", "", clip.frames, measure(clip))


def test_what_is_known_of_a_path() -> None:
    dense = paths.known_everywhere(31, 0.2)
    assert dense.position_S.all() and dense.heading_S.all()
    some = paths.known_every_two_seconds(26, 0.2)
    assert np.flatnonzero(some.position_S).tolist() == [0, 10, 20, 25]
    end = paths.known_end(26, 0.2)
    assert np.flatnonzero(end.position_S).tolist() == [0, 25]
    assert np.flatnonzero(some.heading_S).tolist() == np.flatnonzero(end.heading_S).tolist() == [0]


def test_only_locomotion_is_followed() -> None:
    generator = tiny_generator("two parts")
    clips = [walk(3.0), walk(0.0), walk(3.0)]
    records = [record(clips[0]), record(clips[1]), record(clips[2], "bow")]
    (found,) = paths.walks_to_follow(records, clips, generator, 9)
    assert len(found.features_TC) == FRAMES


def test_a_model_that_makes_the_true_motion_has_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    features = encode_clip(walk(2.0))
    monkeypatch.setattr(paths, "_features", lambda *_: features)  # pyright: ignore[reportUnknownLambdaType]
    rows = paths.path_figures(tiny_generator("two parts"), [paths.Walk("walks", features)])
    assert set(rows) == set(paths.KINDS)
    for row in rows.values():
        assert row[paths.POSITION] == pytest.approx(0, abs=1e-6)
        assert row[paths.HEADING] == pytest.approx(0, abs=1e-6)
        assert row["walks"] == 1


def test_errors_are_counted_where_something_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    true, short = encode_clip(walk(2.0)), encode_clip(walk(1.0))
    monkeypatch.setattr(paths, "_features", lambda *_: short)  # pyright: ignore[reportUnknownLambdaType]
    rows = paths.path_figures(tiny_generator("two parts"), [paths.Walk("walks", true)])
    end = rows["end point only"][paths.POSITION]
    assert end == pytest.approx(100, rel=0.05)
    assert rows["dense"][paths.POSITION] == pytest.approx(end / 2, rel=0.15)


def test_the_tries_differ_and_the_best_is_no_worse() -> None:
    torch.manual_seed(0)
    walks = [paths.Walk("walks", encode_clip(walk(2.0)))]
    row = paths.path_figures(tiny_generator("two parts"), walks)["dense"]
    assert 0 < row[paths.BEST] <= row[paths.POSITION]


def test_weights_of_another_layout_have_no_row() -> None:
    assert paths.path_figures(tiny_generator("published"), []) == {}


def test_finished_clips_lie_on_their_paths() -> None:
    walks = [paths.Walk("walks", encode_clip(walk(2.0)))]
    row = paths.led_figures(tiny_generator("two parts"), walks)
    assert row[paths.MADE_OFF] < 20
    assert paths.led_figures(tiny_generator("two parts"), []) == {}
