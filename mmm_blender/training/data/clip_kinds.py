"""What a clip is good for when clips are joined: walks and runs, gestures of a person who stands,
and standing itself. Found from labels and from what was measured."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from ...geometry.clip import MotionClip
from .labels import label_of
from .measured import Measured, measure
from .motion_file import ClipRecord

_LOCOMOTION = re.compile(r"\b(walk|run|jog|dash|sneak|stride)\b")
_NO_LOCOMOTION = re.compile(r"\b(jump|leap|climb|roll|dive|ladder|stool|basketball|dribble|duck)\b")
_GESTURES: dict[str, tuple[str, ...]] = {
    "wave-left-hand": ("left",),
    "wave-right-hand": ("right",),
    "wave-both-hands": ("left", "right"),
    "raise-up-left-hand": ("left",),
    "raise-up-right-hand": ("right",),
    "raise-up-both-hands": ("left", "right"),
    "bye": ("right",),
    "byebye": ("left", "right"),
    "guide": ("right",),
    "respond": ("left",),
    "call": ("left", "right"),
    "circle-arms-backward": ("left", "right"),
    "catch-ball": ("left", "right"),
    "pass-ball": ("left", "right"),
    "basketball signal": ("left", "right"),
    "direct traffic, wave": ("left", "right"),
    "wash windows": ("left", "right"),
}
_LEAST_WAY = 0.8  # metres: less is no walk
_LEAST_SPEED = 0.25  # m/s: slower is standing with steps
_MOST_BEND = 6.0  # degrees a second: more is a curve
_STAYS = 0.25  # metres the pelvis may move over standing legs
_MOST_SINK = 0.15  # metres: more is a crouch
_MOST_LEAN = 30.0  # degrees of the trunk: more is a bow, whose legs balance it
_STEPS_OFF = 0.04  # metres the lower foot may rise over where it stands: more is a jump
_LEAST_GESTURE = 0.5  # m/s of the hand that gestures
_QUIET_HANDS = 0.25  # m/s


def is_locomotion(record: ClipRecord) -> bool:
    """Walks or runs, in any direction, straight or bent."""
    kind, shown = label_of(record)[0].replace("-", " "), record.measured
    if shown is None or not _LOCOMOTION.search(kind) or _NO_LOCOMOTION.search(kind):
        return False
    seconds = shown.seconds or record.frames / 20
    return shown.speed * seconds > _LEAST_WAY and shown.speed > _LEAST_SPEED


def is_straight(record: ClipRecord) -> bool:
    """Locomotion whose path does not bend."""
    shown = record.measured
    if shown is None or not is_locomotion(record):
        return False
    return abs(shown.turn) < _MOST_BEND * (shown.seconds or record.frames / 20)


def is_standing_gesture(record: ClipRecord) -> bool:
    """Hands do something over legs that stand: their upper body fits on another's legs."""
    shown = record.measured
    return (
        shown is not None
        and bool(gesture_sides(record))
        and _stands(shown)
        and shown.bow < _MOST_LEAN
        and shown.hand_speed > _LEAST_GESTURE
    )


def gesture_sides(record: ClipRecord, mirrored: bool = False) -> tuple[str, ...]:
    """Which hands ("left", "right") the clip's label is about; empty where it names no gesture."""
    return _GESTURES.get(label_of(record, mirrored)[0], ())


def is_idle_standing(record: ClipRecord) -> bool:
    """Stands and does nothing: no step, quiet hands."""
    shown = record.measured
    if shown is None or label_of(record)[0] != "stand":
        return False
    return _stands(shown) and shown.hand_speed < _QUIET_HANDS


def _stands(shown: Measured) -> bool:
    return (
        shown.steps == 0
        and shown.reach < _STAYS
        and shown.low < _MOST_SINK
        and shown.high < _STEPS_OFF
    )


def piece_of(
    record: ClipRecord, clip: MotionClip, start: int, stop: int
) -> tuple[ClipRecord, MotionClip]:
    """Frames ``start`` to ``stop`` (exclusive) of a clip with what they show measured again."""
    piece = clip.slice(start, stop)
    return replace(record, frames=piece.frames, measured=measure(piece)), piece


def some_steps(
    record: ClipRecord, clip: MotionClip, steps: int, rng: random.Random, tries: int = 8
) -> tuple[ClipRecord, MotionClip] | None:
    """A piece of a walk or run that shows so many steps, or None where none was met."""
    whole = record.measured
    if whole is None or whole.steps < steps:
        return None
    frames = round(clip.frames * steps / max(whole.steps, 1))
    for _ in range(tries):
        start = rng.randint(0, clip.frames - frames)
        found = piece_of(record, clip, start, start + frames)
        shown = found[0].measured
        if shown is not None and shown.steps == steps:
            return found
        off = shown.steps - steps if shown is not None else 0
        frames = min(max(frames - off * 4, 8), clip.frames)
    return None
