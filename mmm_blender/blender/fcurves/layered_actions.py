"""Actions and their F-curves: the one place that knows how Blender's versions differ.

4.2 keeps curves in the Action itself; from 4.4 an Action has slots, and a slot's curves lie in a
channelbag of a keyframe strip in a layer; 5.0 removes the old way.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np

from ...common.arrays import ArrayLike, FloatArray
from ...common.errors import MMMError
from ..bpy_types import Action, FCurve, Object, bpy
from .rollback import all_or_nothing

HAS_SLOTS: bool = bpy.app.version >= (4, 4, 0)

KEY_SELECTIONS = ("select_control_point", "select_left_handle", "select_right_handle")


@dataclass(frozen=True, eq=False)
class Channel:
    """Values of one animated number. data_path, index: as Blender's F-curves name it.
    group: the group's name (a bone's). values_T: one value a key."""

    data_path: str
    index: int
    group: str
    values_T: FloatArray


def bone_channels(bone: str, property_name: str, values_TN: FloatArray) -> list[Channel]:
    """Channels of a vector property of a pose bone, grouped under the bone's name.

    values_TN: (T, N), one column a component.
    """
    path = bone_path(bone, property_name)
    return [Channel(path, i, bone, values_TN[:, i]) for i in range(values_TN.shape[1])]


def bone_path(bone: str, property_name: str) -> str:
    """How F-curves name a property of a pose bone."""
    return f'pose.bones["{bpy.utils.escape_identifier(bone)}"].{property_name}'


def build_action(
    name: str, frames_T: ArrayLike, channels: Sequence[Channel], owner: str = "Object"
) -> Action:
    """A new Action for an object, one linear key of type GENERATED at each of ``frames_T``, none of
    them selected: selected keys say what is to be edited, and that is the user's choice.

    owner: the object's name, which names the slot: Blender finds it by that when the Action is
    chosen again later. Channels of one group stand together in ``channels``. The Action is not
    assigned yet; if it cannot be built whole, nothing of it is left.
    """
    action = bpy.data.actions.new(name)
    with all_or_nothing(lambda: bpy.data.actions.remove(action)):
        curves = _new_curve_store(action, owner)
        points = _KeyWriter(np.asarray(frames_T, dtype=np.float32))
        for group_name, members in groupby(channels, key=lambda channel: channel.group):
            group = curves.groups.new(group_name)
            for channel in members:
                curve = curves.fcurves.new(channel.data_path, index=channel.index)
                curve.group = group
                points.write(curve, channel.values_T)
    return action


def _new_curve_store(action: Action, owner: str) -> Any:
    """What has ``fcurves`` and ``groups``: the Action (4.2) or its first slot's channelbag."""
    if not HAS_SLOTS:
        action.id_root = "OBJECT"
        return action
    slot = action.slots.new(id_type="OBJECT", name=owner)
    strip: Any = action.layers.new("Layer").strips.new(type="KEYFRAME")
    return strip.channelbag(slot, ensure=True)


class _KeyWriter:
    """Writes whole curves at the same frames by ``foreach_set``, a hundred times faster than
    ``keyframe_insert``."""

    def __init__(self, frames_T: FloatArray | np.ndarray[Any, np.dtype[np.float32]]) -> None:
        count = len(frames_T)
        self._co = np.zeros(2 * count, dtype=np.float32)
        self._co[0::2] = frames_T
        self._enums = {
            name: np.full(count, enum_value(name, item), dtype=np.int32)
            for name, item in (("interpolation", "LINEAR"), ("type", "GENERATED"))
        }
        self._unselected = np.zeros(count, dtype=np.bool_)

    def write(self, curve: FCurve, values_T: FloatArray) -> None:
        """Give an empty curve one key a frame."""
        self._co[1::2] = values_T
        keys = curve.keyframe_points
        keys.add(len(values_T))
        keys.foreach_set("co", self._co)
        for name, values in self._enums.items():
            keys.foreach_set(name, values)
        for name in KEY_SELECTIONS:
            keys.foreach_set(name, self._unselected)
        curve.update()


def enum_value(property_name: str, item: str) -> int:
    """The number that ``foreach_set`` wants for an enum item of a keyframe."""
    return int(bpy.types.Keyframe.bl_rna.properties[property_name].enum_items[item].value)


def enum_length(property_name: str) -> int:
    """One more than the largest number of an enum of a keyframe, in whichever Blender."""
    items = bpy.types.Keyframe.bl_rna.properties[property_name].enum_items
    return 1 + max(int(item.value) for item in items)


def assigned_action(rig: Object) -> Action | None:
    """The Action that an object has now."""
    return None if rig.animation_data is None else rig.animation_data.action


def assign_action(obj: Object, action: Action) -> None:
    """Make ``action`` the object's active Action; the one that it replaces is kept in the file.

    Raises MMMError, with nothing changed, where Blender does not let the Action be replaced.
    """
    data = obj.animation_data or obj.animation_data_create()
    if data is None:
        raise MMMError(f"'{obj.name}' cannot be animated: it is linked from another file.")
    if data.use_tweak_mode:
        raise MMMError(
            f"A strip of '{obj.name}' is being edited in the NLA editor: "
            "leave tweak mode there (Tab) and press again."
        )
    before = data.action
    if before is not None and before.users <= 1 and before.library is None:
        before.use_fake_user = True  # else something keeps it: another object, a list of takes
    slot = _slot_for(data, action)
    data.action = action
    if HAS_SLOTS:
        data.action_slot = slot


def action_fcurves(action: Action) -> list[FCurve]:
    """All F-curves of an Action's first slot, in every version."""
    if not HAS_SLOTS:
        return list(action.fcurves)
    bags = [strip.channelbag(action.slots[0]) for strip in _key_strips(action)]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def strip_curves(strip: Any) -> list[FCurve]:
    """The curves that an NLA strip plays."""
    if not HAS_SLOTS:
        return list(strip.action.fcurves)
    if strip.action_slot is None:
        return []
    bags = [each.channelbag(strip.action_slot) for each in _key_strips(strip.action)]
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def _key_strips(action: Action) -> list[Any]:
    """The keyframe strips of a layered Action."""
    return [strip for layer in action.layers for strip in layer.strips]


def assigned_slot(rig: Object, action: Action) -> Any | None:
    """The slot through which ``action`` moves ``rig``: the one chosen for it; where the rig has
    another Action at the moment, the one that has the same name as the slot there, or the first;
    None where there is none, and before slots."""
    data = rig.animation_data
    if HAS_SLOTS and data is not None and data.action == action:
        return data.action_slot
    return _slot_for(data, action)


def _slot_for(data: Any | None, action: Action) -> Any | None:
    """The slot of an Action that object animation data which has another one should take."""
    if not HAS_SLOTS:
        return None
    named = "" if data is None else data.last_slot_identifier
    alike = (slot for slot in action.slots if slot.identifier == named)
    return next(alike, next(iter(action.slots), None))


def curve_store(rig: Object, action: Action) -> Any | None:
    """What holds the rig's curves in an Action (see ``_new_curve_store``), None if nothing yet."""
    if not HAS_SLOTS:
        return action
    slot = assigned_slot(rig, action)
    if slot is None:
        return None
    bags = (strip.channelbag(slot) for strip in _key_strips(action))
    return next((bag for bag in bags if bag is not None), None)


def ensure_curve_store(rig: Object, action: Action) -> Any:
    """``curve_store``, made where the Action has a slot for the rig but no curves in it yet."""
    found = curve_store(rig, action)
    if found is not None:
        return found
    layer = next(iter(action.layers), None) or action.layers.new("Layer")
    strip: Any = next(iter(layer.strips), None) or layer.strips.new(type="KEYFRAME")
    return strip.channelbag(assigned_slot(rig, action), ensure=True)


def rig_curves(rig: Object, action: Action) -> list[FCurve]:
    """Every curve by which an Action moves the rig."""
    store = curve_store(rig, action)
    return [] if store is None else list(store.fcurves)


def curves_by_channel(curves: Iterable[FCurve]) -> dict[tuple[str, int], FCurve]:
    """Curves by data path and index."""
    return {(str(curve.data_path), int(curve.array_index)): curve for curve in curves}


def remove_curve_store(action: Action, store: Any, layers: int) -> None:
    """Take back what ``ensure_curve_store`` has made in an Action that had so many layers."""
    if len(action.layers) > layers:
        action.layers.remove(action.layers[-1])
    else:
        _key_strips(action)[0].channelbags.remove(store)


def layer_count(action: Action) -> int:
    """How many layers an Action has; none before slots."""
    return len(action.layers) if HAS_SLOTS else 0


def curve_stores(action: Action) -> dict[str, Any]:
    """Everything in an Action that holds curves, by slot identifier ("" before slots)."""
    if not HAS_SLOTS:
        return {"": action}
    # keys of a bag that is asked for are read three times as fast as those of ``channelbags``
    bags = [
        (slot, strip.channelbag(slot)) for strip in _key_strips(action) for slot in action.slots
    ]
    return {str(slot.identifier): bag for slot, bag in bags if bag is not None}


def has_slot(rig: Object, action: Action) -> bool:
    """Whether keys can be written for the rig: Actions without slots move whoever uses them."""
    return not HAS_SLOTS or assigned_slot(rig, action) is not None


def slot_handle(rig: Object, action: Action) -> int | None:
    """Number of the rig's slot, which stays when the slot is renamed; None without one."""
    slot = assigned_slot(rig, action)
    return None if slot is None else int(slot.handle)


def play_copy(rig: Object, action: Action, handle: int | None) -> None:
    """The rig takes a copy of the Action that it has, and in it the slot with the same number."""
    rig.animation_data.action = action
    if handle is not None:
        choose_slot(rig, handle)


def choose_slot(rig: Object, handle: int) -> None:
    """The rig takes the slot with this number of the Action that it has."""
    data = rig.animation_data
    data.action_slot = next(slot for slot in data.action.slots if int(slot.handle) == handle)


def first_slot_handle(action: Action) -> int | None:
    """Number of an Action's first slot; None without one."""
    first = next(iter(action.slots), None) if HAS_SLOTS else None
    return None if first is None else int(first.handle)


def slot_identifier(rig: Object, action: Action) -> str:
    """The rig's slot as ``curve_stores`` names it."""
    slot = assigned_slot(rig, action)
    return "" if slot is None else str(slot.identifier)


def slot_label(rig: Object, action: Action) -> str:
    """The rig's slot as Blender shows it."""
    slot = assigned_slot(rig, action)
    return "" if slot is None else str(slot.name_display)


def unused_slot_label(rig: Object, action: Action, paths: Collection[str]) -> str:
    """A slot, as Blender shows it, that nobody uses and that has curves of these data paths; ""
    where there is none but the rig's."""
    own = assigned_slot(rig, action)
    if own is None:
        return ""
    for bag in (bag for strip in _key_strips(action) for bag in strip.channelbags):
        if bag.slot == own or bag.slot.users():
            continue
        if any(str(curve.data_path) in paths for curve in bag.fcurves):
            return str(bag.slot.name_display)
    return ""


@contextmanager
def temporarily_assigned(rig: Object, action: Action) -> Generator[None]:
    """The rig has another Action inside, and the one it had, with its slot, afterwards."""
    data = rig.animation_data or rig.animation_data_create()
    before, slot = data.action, getattr(data, "action_slot", None)
    kept = None if before is None else before.use_fake_user
    assign_action(rig, action)
    try:
        yield
    finally:
        data.action = before
        if before is not None:
            before.use_fake_user = kept
        if slot is not None:
            data.action_slot = slot


BONE_PATH = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]\.')
"""How data paths of a bone begin; its name is in the group."""


def curves_of_bones(rig: Object, action: Action) -> list[FCurve]:
    """The rig's curves that move bones: what else an Action moves has times of its own."""
    curves = rig_curves(rig, action)
    return [curve for curve in curves if BONE_PATH.match(str(curve.data_path))]


def bone_curves(rig: Object, action: Action) -> dict[str, list[FCurve]]:
    """Curves of each bone (as data paths spell it), always in the same order."""
    bones: defaultdict[str, list[FCurve]] = defaultdict(list)
    for (path, _), curve in sorted(curves_by_channel(rig_curves(rig, action)).items()):
        if found := BONE_PATH.match(path):
            bones[found[1]].append(curve)
    return dict(bones)
