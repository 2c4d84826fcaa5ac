"""What a motion has to meet besides its prompt: a path, targets of limbs, how it starts and ends.

It travels as plain JSON values, in messages to the worker and in recipes; {} is nothing at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

import numpy as np

from ...common.array_text import pack, unpack
from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ..clip import MotionClip
from ..ground_path import GroundPath
from ..skeleton import ANIMATED_JOINTS
from .limb_pins import Pin

Start: TypeAlias = Literal["free", "standing", "pose"]
End: TypeAlias = Literal["free", "standing"]

STARTS: tuple[Start, ...] = ("free", "standing", "pose")
ENDS: tuple[End, ...] = ("free", "standing")

_ROTATIONS = 4 * ANIMATED_JOINTS
_KEYS = frozenset({"path", "pins", "start", "end", "pose", "pose_fps"})


@dataclass(frozen=True, eq=False)
class Ends:
    """How a motion begins and ends. start: "pose" takes the last frame of ``pose`` as the first
    frame; what lies before it tells how it got there."""

    start: Start = "free"
    end: End = "free"
    pose: MotionClip | None = None

    def __post_init__(self) -> None:
        if self.start not in STARTS or self.end not in ENDS:
            raise MMMError(
                f"A motion starts {' or '.join(STARTS)} and ends {' or '.join(ENDS)}, not "
                f"{self.start} and {self.end}: choose again."
            )
        if self.start == "pose" and self.pose is None:
            raise MMMError("There is no pose to start from: choose a character that has one.")

    @property
    def free(self) -> bool:
        """Neither end is asked for."""
        return self.start == self.end == "free"


FREE_ENDS = Ends()


@dataclass(frozen=True, eq=False)
class Conditions:
    """All conditions of a motion. path: that the root takes. pins: targets of hands, feet, head."""

    path: GroundPath | None = None
    pins: tuple[Pin, ...] = ()
    ends: Ends = FREE_ENDS

    def to_json(self) -> dict[str, Any]:
        """As plain JSON values, without what is not asked for; ``from_json`` is its inverse."""
        values: dict[str, Any] = {}
        if self.path is not None:
            values["path"] = self.path.to_json()
        if self.pins:
            values["pins"] = [pin.to_json() for pin in self.pins]
        if self.ends.start != "free":
            values["start"] = self.ends.start
        if self.ends.end != "free":
            values["end"] = self.ends.end
        if self.ends.start == "pose" and self.ends.pose is not None:
            values |= {"pose": _packed(self.ends.pose), "pose_fps": self.ends.pose.fps}
        return values

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Conditions:
        """Read JSON values strictly: MMMError for an unknown or odd one."""
        if odd := sorted(values.keys() - _KEYS):
            raise MMMError(f"A motion has unknown conditions: {', '.join(odd)}.")
        path, pins = values.get("path"), values.get("pins", [])
        try:
            return cls(
                None if path is None else GroundPath.from_json(path),
                tuple(Pin.from_json(pin) for pin in pins),
                _ends(values),
            )
        except (AttributeError, TypeError) as error:
            raise MMMError(
                f"A motion's conditions are damaged ({error}): set them again."
            ) from error


def _ends(values: Mapping[str, Any]) -> Ends:
    start = cast(Start, values.get("start", "free"))
    end = cast(End, values.get("end", "free"))
    pose = values.get("pose")
    return Ends(start, end, None if pose is None else _unpacked(str(pose), values.get("pose_fps")))


def _packed(clip: MotionClip) -> str:
    rows_TC = clip.rotations_TJ4.reshape(clip.frames, _ROTATIONS)
    return pack(np.concatenate([rows_TC, clip.root_T3], axis=1))


def _unpacked(text: str, fps: object) -> MotionClip:
    """A clip from its text; MMMError where it is none."""
    try:
        rows_TC: FloatArray = unpack(text).astype(np.float64)
        turns_TJ4 = rows_TC[:, :_ROTATIONS].reshape(len(rows_TC), ANIMATED_JOINTS, 4)
        return MotionClip(turns_TJ4, rows_TC[:, _ROTATIONS:], float(cast(float, fps)))
    except (ValueError, TypeError, IndexError) as error:
        raise MMMError(f"The pose to start from is damaged ({error}): take it again.") from error
