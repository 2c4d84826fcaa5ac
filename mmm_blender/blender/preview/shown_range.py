"""The frames, the body part and the bones that Regenerate Range would take, as the panel says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import FloatArray, IntArray
from ..actions.editability import part_joints
from ..addon.scene_settings import BODY_PART_ITEMS, scene_settings
from ..addon.shown_target import shown_character
from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import ArmatureObject, Context, bpy
from ..edit.chosen_range import shown_range
from ..edit.open_panels import edit_is_open
from ..edit.task import action_error
from ..rig.binding import find_binding

_PART_NAMES = {identifier: name for identifier, name, _ in BODY_PART_ITEMS}


@dataclass(frozen=True)
class MeantRange:
    """first, last: scene frames. part: a key of ``BODY_PARTS``. text: for a line in an editor."""

    rig: ArmatureObject
    first: int
    last: int
    part: str

    @property
    def text(self) -> str:
        """The part in the person's language, and the frames."""
        name = bpy.app.translations.pgettext_iface(_PART_NAMES[self.part])
        return f"{name}, {self.first} \u2013 {self.last}"


def meant_range(context: Context) -> MeantRange | None:
    """What the panel Edit means, where it is open, shown and has something to edit."""
    settings = scene_settings(context.scene)
    if not settings.show_range or not edit_is_open(context):
        return None
    rig = shown_character(context)
    if rig is None or action_error(context):
        return None
    found = shown_range(context, rig)
    if found.poll_error:
        return None
    return MeantRange(rig, found.first, found.last, str(settings.body_part))


def part_lines(context: Context, meant: MeantRange) -> FloatArray:
    """The bones of the part as they are posed now: heads and tails (K, 3) in the world."""
    rig = meant.rig
    key = ("part bones", scene_key(context), meant.part)
    chosen_B = ui_state.fact(key, lambda: _bones_of_part(rig, meant.part))
    bones = rig.pose.bones
    if not len(chosen_B) or chosen_B[-1] >= len(bones):
        return np.zeros((0, 3))
    ends_B23 = np.stack([_places(bones, name)[chosen_B] for name in ("head", "tail")], axis=1)
    matrix_44 = np.array(rig.matrix_world, dtype=np.float64)
    return ends_B23.reshape(-1, 3) @ matrix_44[:3, :3].T + matrix_44[:3, 3]


def _places(bones: Sequence[object], name: str) -> FloatArray:
    places_B3 = np.empty((len(bones), 3), dtype=np.float32)
    bones.foreach_get(name, places_B3.ravel())  # pyright: ignore[reportAttributeAccessIssue]
    return places_B3.astype(np.float64)


def _bones_of_part(rig: ArmatureObject, part: str) -> IntArray:
    """Numbers of the bones that are keyed for a part, in order."""
    binding = find_binding(rig)
    if isinstance(binding, str):
        return np.zeros(0, dtype=np.int64)
    names = {bone for joint in part_joints(part) for bone in binding.bones_of(joint)}
    found = (rig.pose.bones.find(name) for name in names)
    return np.array(sorted(number for number in found if number >= 0), dtype=np.int64)
