"""Which clips can be joined: told from label and measurement."""

from __future__ import annotations

import random
from dataclasses import replace

import numpy as np

from mmm_blender.training.data.clip_kinds import (
    gesture_sides,
    is_idle_standing,
    is_locomotion,
    is_standing_gesture,
    is_straight,
    piece_of,
    some_steps,
)
from mmm_blender.training.data.measured import Measured, measure
from mmm_blender.training.data.motion_file import ClipRecord
from tests.training.synthetic import walk_on_the_spot

WALK = Measured(forward=3.0, speed=1.0, distance=3.0, reach=3.0, steps=5, seconds=3.0)
WAVE = Measured(hand_speed=2.0, left_hand_speed=2.0, left_hand=0.4, seconds=4.0, reach=0.03)


def record(content: str, measured: Measured | None, label: str = "") -> ClipRecord:
    source = "cmu" if content == "cmu" else "bandai"
    return ClipRecord("n", "t", source, content, "normal", label, 60, measured)


def test_walks_and_runs() -> None:
    assert is_locomotion(record("walk", WALK))
    assert is_locomotion(record("walk-turn-left", WALK))
    assert is_locomotion(record("cmu", WALK, "run/jog, veer left"))
    assert not is_locomotion(record("walk", replace(WALK, speed=0.1)))
    assert not is_locomotion(record("walk", None))
    assert not is_locomotion(record("cmu", WALK, "run, leap"))
    assert not is_locomotion(record("dance-long", WALK))


def test_straight_and_bent() -> None:
    assert is_straight(record("walk", replace(WALK, turn=10.0)))
    assert not is_straight(record("walk", replace(WALK, turn=-30.0)))
    assert not is_straight(record("bow", WAVE))


def test_gestures_over_standing_legs() -> None:
    wave = record("wave-left-hand", WAVE)
    assert is_standing_gesture(wave)
    assert gesture_sides(wave) == ("left",)
    assert gesture_sides(wave, mirrored=True) == ("right",)
    for changed in (
        {"steps": 2}, {"reach": 0.5}, {"low": 0.4}, {"high": 0.2}, {"bow": 60.0},
        {"hand_speed": 0.1},
    ):  # fmt: skip
        assert not is_standing_gesture(record("wave-left-hand", replace(WAVE, **changed)))
    assert not is_standing_gesture(record("walk", WALK))


def test_standing() -> None:
    quiet = replace(WAVE, hand_speed=0.1)
    assert is_idle_standing(record("stand", quiet))
    assert not is_idle_standing(record("stand", WAVE))
    assert not is_idle_standing(record("bow", quiet))
    assert not is_idle_standing(record("stand", None))


def test_a_piece_is_measured_anew() -> None:
    clip = walk_on_the_spot(120)
    whole = ClipRecord("n", "t", "bandai", "walk", "normal", "", 120, measure(clip))
    part, cut = piece_of(whole, clip, 20, 60)
    assert (part.frames, cut.frames) == (40, 40)
    assert part.measured == measure(cut)
    np.testing.assert_array_equal(cut.root_T3, clip.root_T3[20:60])
    assert some_steps(whole, clip, 3, random.Random(0)) is None  # it takes none
