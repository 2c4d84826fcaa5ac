"""Pins as the worker gets them: where their objects are, frame by frame, in model space.

Shape suffixes: F frames of the motion, N frames of a pin, 3 xyz.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.editing.limb_pins import Pin
from ..bpy_types import ArmatureObject, Object, bpy
from ..rig.motion_reader import scene_left_as_it_is
from ..rig.target import DataBlockRef
from ..rig.world_places import world_matrix
from ..rig.world_space import WorldSpace
from .properties import JOINTS, LOOK_AT, PIN_ITEMS, enabled_pins

_NAMES: Mapping[str, str] = {identifier: name for identifier, name, _ in PIN_ITEMS}
_DIGITS = 4
_CHUNK_FRAMES = 10


@dataclass(frozen=True)
class PinParams:
    """A pin as it stood at the press. part: as in PIN_ITEMS. first, last: scene frames. moves: the
    object may be elsewhere on other frames."""

    part: str
    item: DataBlockRef
    first: int
    last: int
    moves: bool


def pins_of(rig: ArmatureObject) -> tuple[PinParams, ...]:
    """The enabled pins of a character. Raises MMMError where two exclude each other or one has no
    object or no frames."""
    lines = enabled_pins(rig)
    for line in lines:
        _check(line)
    pins = tuple(_params(line) for line in lines)
    _check_pairs(pins)
    return pins


def pins_poll_error(rig: ArmatureObject) -> str:
    """What is wrong with a character's pins, in a sentence; else ""."""
    try:
        pins_of(rig)
    except MMMError as error:
        return str(error)
    return ""


def _check(line: Any) -> None:
    name = _NAMES[str(line.part)]
    if line.object is None:
        raise MMMError(f"The pin of {name} has no object: choose one, or remove the pin.")
    if line.object.name not in bpy.context.scene.objects:
        raise MMMError(
            f"The object '{line.object.name}' of the pin of {name} is not in this scene: choose "
            "another, or remove the pin."
        )
    if line.first > line.last:
        raise MMMError(
            f"The pin of {name} ends (frame {line.last}) before it starts (frame {line.first}): "
            "swap the two."
        )


def _params(line: Any) -> PinParams:
    return PinParams(
        str(line.part),
        DataBlockRef.of(line.object),
        int(line.first),
        int(line.last),
        _may_move(line.object),
    )


def _may_move(item: Object) -> bool:
    """Something may move an object in the course of time: keys, drivers, constraints, parents."""
    while item is not None:
        if item.animation_data is not None or item.constraints or item.parent_type == "BONE":
            return True
        if item.parent is not None and item.parent.type == "ARMATURE":
            return True
        item = item.parent
    return False


def _check_pairs(pins: Sequence[PinParams]) -> None:
    """MMMError where one part would have to be in two places."""
    for number, pin in enumerate(pins):
        for other in pins[:number]:
            first, last = max(pin.first, other.first), min(pin.last, other.last)
            if pin.part == other.part and pin.item != other.item and first <= last:
                raise MMMError(
                    f"'{other.item.name}' and '{pin.item.name}' both hold {_NAMES[pin.part]} on "
                    f"frame {first}: give the pins different frames, or remove one."
                )


@dataclass(frozen=True)
class PinnedFrames:
    """What a motion's frames are: scene frames ``first`` to ``last`` that are made, of a clip that
    begins at the scene frame ``start``, ``fps`` a second."""

    start: int
    first: int
    last: int
    fps: float


def read_pins(
    pins: Sequence[PinParams], space: WorldSpace, frames: PinnedFrames, rig: ArmatureObject
) -> Generator[float, None, tuple[Pin, ...]]:
    """Where the objects are on the frames of their pins; yields how far it is, 0 to 1.

    Pins whose frames all lie outside are left out (see ``left_out_note``). Raises MMMError where an
    object has gone.
    """
    inside = [clipped for pin in pins if (clipped := _inside(pin, frames)) is not None]
    wanted = sorted({f for pin in inside if pin.moves for f in range(pin.first, pin.last + 1)})
    places = {int(bpy.context.scene.frame_current): _places(inside)}
    for start in range(0, len(wanted), _CHUNK_FRAMES):
        with scene_left_as_it_is(bpy.context.scene, rig):
            for frame in wanted[start : start + _CHUNK_FRAMES]:
                bpy.context.scene.frame_set(frame)
                places[frame] = _places(inside)
        yield min(1.0, (start + _CHUNK_FRAMES) / len(wanted))
    now = int(bpy.context.scene.frame_current)
    return tuple(
        _message(pin, space, frames, [places[f if pin.moves else now][n] for f in _frames(pin)])
        for n, pin in enumerate(inside)
    )


def _frames(pin: PinParams) -> Sequence[int]:
    return range(pin.first, pin.last + 1) if pin.moves else (pin.first,)


def _inside(pin: PinParams, frames: PinnedFrames) -> PinParams | None:
    """The part of a pin that lies on a motion's frames."""
    first, last = max(pin.first, frames.first), min(pin.last, frames.last)
    if first > last:
        return None
    return PinParams(pin.part, pin.item, first, last, pin.moves)


def _places(pins: Sequence[PinParams]) -> list[FloatArray]:
    """Where each pin's object is now, in the world. (3,) each."""
    found: list[FloatArray] = []
    for pin in pins:
        item = pin.item.find(bpy.data.objects)
        if item is None:
            raise MMMError(f"The pin's object '{pin.item.name}' was deleted: press again.")
        found.append(world_matrix(item)[:3, 3])
    return found


def _message(
    pin: PinParams, space: WorldSpace, frames: PinnedFrames, places: Sequence[FloatArray]
) -> Pin:
    model_N3 = np.round(space.to_model(np.array(places)), _DIGITS)
    if len(model_N3) > 1 and (model_N3 == model_N3[0]).all():
        model_N3 = model_N3[:1]
    return Pin(
        JOINTS[pin.part],
        (pin.first - frames.start) / frames.fps,
        (pin.last - frames.start) / frames.fps,
        model_N3,
        look=pin.part == LOOK_AT,
    )


def left_out_note(pins: Sequence[PinParams], frames: PinnedFrames) -> str:
    """That pins lie on other frames than the motion, in a sentence; else ""."""
    outside = [pin for pin in pins if _inside(pin, frames) is None]
    if not outside:
        return ""
    pin, others = outside[0], f" and {len(outside) - 1} more" if len(outside) > 1 else ""
    return (
        f"The pin of {_NAMES[pin.part]} (frames {pin.first} to {pin.last}){others} lies outside of "
        f"the frames {frames.first} to {frames.last} and was left out."
    )
