"""How a person wants a rig to be keyed; the panel Rig holds it, and a batch may go without."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from ..bpy_types import Object

HIPS, ROOT_BONE, OBJECT = "HIPS", "ROOT", "OBJECT"
ROOT_MOTIONS = (
    (HIPS, "Hips", "The hips carry the body over the ground"),
    (ROOT_BONE, "Root Bone", "The rig's root bone carries the way, the hips the rest"),
    (OBJECT, "Object", "The object carries the way, over which the body stays"),
)

KEEP, FK, IK = "KEEP", "FK", "IK"
SWITCHES = (
    (KEEP, "As They Are", "Both ways are keyed alike and the switches stay as they are"),
    (FK, "Set to FK", "Switches are set to FK and keyed"),
    (IK, "Set to IK", "Switches are set to IK and keyed"),
)

AS_THEY_ARE, RELAXED_START = "KEEP", "RELAXED"
FINGERS = (
    (AS_THEY_ARE, "As They Are", "New motions leave the fingers alone"),
    (RELAXED_START, "Relaxed", "New motions begin with relaxed hands, where fingers have no keys"),
)

BOTH, PLAYHEAD, SELECTED = "BOTH", "PLAYHEAD", "SELECTED"
HAND_SIDES = (
    (BOTH, "Both", "Both hands"),
    ("LEFT", "Left", "The left hand"),
    ("RIGHT", "Right", "The right hand"),
)
HAND_FRAMES = (
    (PLAYHEAD, "At Playhead", "Key the hands on the current frame"),
    (SELECTED, "At Selected Keys", "Key the hands on the frames of the selected keys"),
)


_TAKEN: ContextVar[str] = ContextVar("mmm_root_motion", default="")


def root_motion(rig: Object) -> str:
    """What carries the way of new motions over the ground: HIPS, ROOT_BONE or OBJECT."""
    return _TAKEN.get() or str(_option(rig, "root_motion", HIPS))


def taken_root_motion() -> str:
    """What ``taking_root_motion`` says, "" outside of it."""
    return _TAKEN.get()


@contextmanager
def taking_root_motion(choice: str) -> Generator[None]:
    """Inside, motions are made with this choice, whatever the panel and Actions say; "" changes
    nothing."""
    token = _TAKEN.set(choice or _TAKEN.get())
    try:
        yield
    finally:
        _TAKEN.reset(token)


def switch_choice(rig: Object) -> str:
    """What happens with IK/FK switches: KEEP, FK or IK."""
    return str(_option(rig, "switch", KEEP))


def finger_choice(rig: Object) -> str:
    """What a new motion does with the fingers: AS_THEY_ARE or RELAXED_START."""
    return str(_option(rig, "fingers", AS_THEY_ARE))


def _option(rig: Object, name: str, otherwise: str) -> Any:
    """A choice of the panel; the usual one where the add-on is not registered."""
    return getattr(getattr(rig, "mmm_rig", None), name, otherwise)
