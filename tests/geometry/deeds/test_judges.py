"""Jumps and dances are seen by how far the feet leave the floor and how fast the joints go."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.deeds.judges import JUDGES, Seen
from tests.training.synthetic import walk_on_the_spot

FRAMES = 60


def standing() -> MotionClip:
    """Nobody moves."""
    still = walk_on_the_spot(2)
    frame = np.zeros(FRAMES, dtype=int)
    return MotionClip(still.rotations_TJ4[frame], still.root_T3[frame], still.fps)


def jumping(metres: float) -> MotionClip:
    """The whole body goes up and down again within half a second."""
    clip = standing()
    root = clip.root_T3.copy()
    root[20:30, 1] += metres * np.sin(np.linspace(0, np.pi, 10))
    return MotionClip(clip.rotations_TJ4, root, clip.fps)


@pytest.mark.parametrize(("metres", "seen"), [(0.0, False), (0.08, False), (0.25, True)])
def test_a_jump_is_more_than_the_flight_of_a_run(metres: float, seen: bool) -> None:
    assert JUDGES["jump"](Seen.of(jumping(metres))) is seen


def test_who_is_carried_over_the_ground_does_not_dance() -> None:
    clip = standing()
    root = clip.root_T3 + np.linspace(0, 5, FRAMES)[:, None] * np.array([1.0, 0.0, 0.0])
    assert not JUDGES["dance"](Seen.of(MotionClip(clip.rotations_TJ4, root, clip.fps)))
    assert JUDGES["dance"](Seen.of(walk_on_the_spot(FRAMES)))
