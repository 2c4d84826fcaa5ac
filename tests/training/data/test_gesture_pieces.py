"""Single gestures are cut out of long takes, and named by what the hands do."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.training.data.gesture_pieces import gesture_pieces
from mmm_blender.training.data.labels import label_of
from mmm_blender.training.data.motion_file import ClipRecord
from tests.geometry.deeds.test_counting import waving


def joined(*clips: MotionClip) -> MotionClip:
    return MotionClip(
        np.concatenate([clip.rotations_TJ4 for clip in clips]),
        np.concatenate([clip.root_T3 for clip in clips]),
    )


def lifted(side: str) -> MotionClip:
    """The hand goes up, stays and goes down, with quiet frames around."""
    clip = waving(1, side, swing=0.0, frames_a_wave=20)
    rest = MotionClip(np.repeat(clip.rotations_TJ4[:1], 20, 0), np.repeat(clip.root_T3[:1], 20, 0))
    return joined(rest, clip, rest)


def test_each_gesture_is_one_piece() -> None:
    found = list(gesture_pieces(joined(lifted("left"), lifted("right"), lifted("left"))))
    labels = [label for label, _ in found]
    assert labels == ["raise left hand", "raise right hand", "raise left hand"]
    assert all(24 <= piece.frames <= 80 for _, piece in found)


def test_a_wave_is_no_raised_hand() -> None:
    [(label, _)] = gesture_pieces(waving(5))
    assert label == "wave left hand"


def test_what_is_too_short_or_mixed_is_none() -> None:
    assert not list(gesture_pieces(waving(1).slice(0, 5)))
    overlap = waving(2, "left").slice(0, 30), waving(2, "right").slice(10, 40)
    assert not list(gesture_pieces(joined(*overlap)))


@pytest.mark.parametrize("label", ["raise left hand", "wave both hands"])
def test_they_have_the_captions_of_plain_gestures(label: str) -> None:
    record = ClipRecord("n", "t", "cmu", "cmu", "", label, 40)
    verb, _, hand = label.partition(" ")
    name = {"raise": "raise-up", "wave": "wave"}[verb]
    assert label_of(record) == (f"{name}-{hand.replace(' ', '-')}", "normal")
