"""What a recipe needs to know of keys that the user made.

Between two steps of ours: of every bone that was changed, the keys on the frames on which any
number is another one, in the later step. (Blender computes handles of a key from the keys around
it; what it moved has changed as well.) The curves are stored whole of a bone that was not there, or
where the fingerprint is an earlier version's or the keys were simplified. In an Action that was the
user's from the start: the keys that each edit replaced, by which they can be put back.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ...common.array_text import pack, unpack
from ...common.arrays import BoolArray
from ...common.errors import MMMError
from ..actions.validation import bone_properties
from ..bpy_types import Action, ArmatureObject, FCurve, Object, bpy
from ..fcurves.curve_writer import open_writer
from ..fcurves.keyframe_arrays import (
    KeyArray,
    forget_keys,
    linear_keys,
    no_keys,
    read_keys,
    sorted_by_frame,
    write_keys,
)
from ..fcurves.layered_actions import (
    BONE_PATH,
    curve_store,
    rig_curves,
)
from ..fcurves.slot_properties import OBJECT_BONE, body_curves, read_text
from .action_guard import SIMPLIFIED_PROPERTY
from .fingerprint import changed_bones, checksums, load_fingerprint
from .key_text import columns, pack_keys, unpack_keys, words
from .locked_keys import LockedKeys, mark_as_keyframes
from .recipe import EditStep, UserEdits
from .recipe_store import load_recipe
from .row_prints import row_print

Keys: TypeAlias = Mapping[str, KeyArray]
"""Keys of curves, by data path and index."""

_CURVE_NAME = re.compile(r"(.*)\[(\d+)\]", re.DOTALL)
_NO_CURVE = -1


@dataclass(frozen=True, eq=False)
class Begun:
    """A step before its write. hand: user edits since the step before. keys: all there
    are, None where nobody needs them, since the recipe makes all of the Action."""

    hand: UserEdits
    keys: Keys | None


def begin_step(
    rig: ArmatureObject, action: Action, locked: LockedKeys, joints: Collection[str], first: int
) -> Begun:
    """To be called before MMM writes SMPL ``joints`` from the frame ``first`` on: marks what is
    locked, and sees what else the user did."""
    mark_as_keyframes(rig, action, locked)
    recipe = load_recipe(action, rig)
    keys = None if recipe is not None and recipe.is_whole else _keys(rig, action)
    return Begun(user_edits(rig, action, _key_unkeyed(rig, action, joints, first)), keys)


def _key_unkeyed(
    rig: ArmatureObject, action: Action, joints: Collection[str], frame: int
) -> list[str]:
    """Key channels without keys where they stand, on a frame that is about to be regenerated: a
    bone's own values are others when the step is done again. Returns the bones as data paths spell
    them."""
    bones: dict[str, None] = {}
    with open_writer(rig, action) as writer:
        for each in bone_properties(rig, action, joints):
            for index, curve in enumerate(each.curves):
                if curve is not None and not curve.is_empty:
                    continue
                keys = linear_keys([frame], [each.value(index, frame)], free=True)
                target = curve or writer.new(each.path, index, each.bone)
                writer.write(target, keys, np.ones(1, dtype=np.bool_), no_keys())
                bones[bpy.utils.escape_identifier(each.bone)] = None
    return list(bones)


# --- edits by hand between two steps -------------------------------------------------------------


def user_edits(rig: Object, action: Action, also: Collection[str] = ()) -> UserEdits:
    """What the user changed since our last write; nothing where there was none. also: bones that
    are stored in any case."""
    before = load_fingerprint(action, rig)
    changed = [] if before is None else changed_bones(checksums(rig, action), before)
    bones = list(dict.fromkeys((*changed, *also)))
    present = body_curves(rig, action) if bones else {}
    whole: dict[str, str] = {}
    stored = _Stored()
    known = {} if before is None or read_text(action, SIMPLIFIED_PROPERTY, rig) else before
    for bone in bones:
        rows = known[bone].rows if bone in known else None
        curves = present.get(bone, [])
        if rows is None:
            whole |= {_name(each): pack_keys(read_keys(each)) for each in curves}
        else:
            stored.add(bone, curves, row_print(curves).changed_frames(rows))
    return UserEdits(tuple(bones), whole, stored.frames, stored.counts, stored.packed())


@dataclass(frozen=True)
class _Stored:
    """Keys of bones on some frames. counts: of each curve's keys, by data path and then by index;
    ``_NO_CURVE`` where there is no such curve."""

    frames: dict[str, str] = field(default_factory=dict[str, str])
    counts: dict[str, list[int]] = field(default_factory=dict[str, list[int]])
    keys: list[KeyArray] = field(default_factory=list[KeyArray])

    def add(self, bone: str, curves: Sequence[FCurve], frames: npt.NDArray[np.float32]) -> None:
        """A bone with its curves, and the frames that changed."""
        self.frames[bone] = pack(frames)
        for curve in sorted(curves, key=lambda each: (str(each.data_path), int(each.array_index))):
            keys, counts = read_keys(curve), self.counts.setdefault(str(curve.data_path), [])
            counts += [_NO_CURVE] * (int(curve.array_index) - len(counts))
            self.keys.append(keys[np.isin(keys["co"][:, 0], frames)])
            counts.append(len(self.keys[-1]))

    def packed(self) -> str:
        """All keys, in the order of the counts."""
        return pack_keys(np.concatenate(self.keys)) if self.keys else ""


def repeat_user_edits(rig: Object, action: Action, hand: UserEdits) -> None:
    """Give the bones of an Action that the user changed the curves that they had afterwards."""
    if not hand.bones:
        return
    store, present = curve_store(rig, action), body_curves(rig, action)
    curves = {_name(curve): curve for bone in hand.bones for curve in present.get(bone, ())}
    wanted = {name: unpack_keys(packed) for name, packed in hand.curves.items()}
    wanted |= _with_changes(hand, {name: read_keys(curve) for name, curve in curves.items()})
    for name in curves.keys() - wanted.keys():
        assert store is not None  # it has that curve
        forget_keys(curves[name])
        store.fcurves.remove(curves[name])
    with open_writer(rig, action) as writer:
        for name, keys in wanted.items():
            path, index, bone = _parts(name)
            curve = curves.get(name) or writer.new(path, index, bone)
            writer.write(curve, keys, np.ones(len(keys), dtype=np.bool_), read_keys(curve))


def _with_changes(hand: UserEdits, present: Keys) -> dict[str, KeyArray]:
    """The keys of curves of which some frames are stored, by the curves' names."""
    if not hand.counts:
        return {}
    stored, at = unpack_keys(hand.keys) if hand.keys else no_keys(), 0
    frames = {bone: unpack(packed) for bone, packed in hand.frames.items()}
    wanted: dict[str, KeyArray] = {}
    for path, counts in hand.counts.items():
        bone = _bone(path)
        if bone is None or bone not in frames:
            raise MMMError(f"The Action's recipe is damaged (it names a curve {path!r}).")
        for index, count in enumerate(counts):
            if count == _NO_CURVE:
                continue
            name = f"{path}[{index}]"
            kept = present.get(name, no_keys())
            kept = kept[~np.isin(kept["co"][:, 0], frames[bone])]
            wanted[name] = sorted_by_frame(np.concatenate([kept, stored[at : at + count]]))
            at += count
    if at != len(stored):
        raise MMMError("The Action's recipe is damaged (the keys of a curve).")
    return wanted


# --- keys that were replaced ---------------------------------------------------------------------


def replaced_keys(rig: Object, action: Action, begun: Begun) -> dict[str, Any]:
    """What a write of ours has changed, for its step: of each curve the keys that are gone or
    changed, and the frames of new or changed ones; no keys where the curve is new."""
    before = begun.keys
    if before is None:
        return {}
    replaced: dict[str, Any] = {}
    for name, after in _keys(rig, action).items():
        old = before.get(name, no_keys())
        gone, new = old[~_among(old, after)], after[~_among(after, old)]
        if len(gone) or len(new):
            keys = pack_keys(gone) if name in before else ""
            replaced[name] = [keys, pack(new["co"][:, 0])]
    return replaced


def put_back(rig: Object, action: Action, step: EditStep) -> None:
    """Give an Action the keys that an edit has replaced."""
    store = curve_store(rig, action)
    curves = {_name(each): each for each in rig_curves(rig, action)}
    for name in curves.keys() & step.replaced.keys():
        keys, frames = step.replaced[name]
        if keys:
            present = read_keys(curves[name])
            kept = present[~np.isin(present["co"][:, 0], unpack(frames))]
            write_keys(curves[name], sorted_by_frame(np.concatenate([kept, unpack_keys(keys)])))
        elif store is not None:
            forget_keys(curves[name])
            store.fcurves.remove(curves[name])


def _keys(rig: Object, action: Action) -> dict[str, KeyArray]:
    return {_name(curve): read_keys(curve) for curve in rig_curves(rig, action)}


def _among(keys: KeyArray, others: KeyArray) -> BoolArray:
    """Which keys (N,) stand among others, bit for bit; both in time's order."""
    if len(keys) == 0 or len(others) == 0:
        return np.zeros(len(keys), dtype=np.bool_)
    at_N = np.searchsorted(others["co"][:, 0], keys["co"][:, 0]).clip(max=len(others) - 1)
    pairs = zip(columns(keys), columns(others), strict=True)
    return np.all([words(mine) == words(theirs)[at_N] for mine, theirs in pairs], axis=0)


# --- names of curves -----------------------------------------------------------------------------


def _name(curve: FCurve) -> str:
    return f"{curve.data_path}[{curve.array_index}]"


def _parts(name: str) -> tuple[str, int, str]:
    """Data path, index and bone of a curve."""
    found = _CURVE_NAME.fullmatch(name)
    bone = None if found is None else _bone(found[1])
    if found is None or bone is None:
        raise MMMError(f"The Action's recipe is damaged (it names a curve {name!r}).")
    return found[1], int(found[2]), bpy.utils.unescape_identifier(bone)


def _bone(path: str) -> str | None:
    """The bone that a curve moves, as data paths spell it, or ``OBJECT_BONE``; None for others."""
    found = BONE_PATH.match(path)
    return found[1] if found else OBJECT_BONE if path == "location" else None
