"""What a recipe needs to know of keys that the user made.

Between two steps of ours: the curves of every bone that was changed, whole, in the later step.
Blender computes handles of a key from the keys around it, so there is no telling how far one
change reaches. In an Action that was the user's from the start: the keys that each edit replaced,
by which they can be put back.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from ...common.array_text import pack, unpack
from ...common.arrays import AnyArray, BoolArray
from ...common.errors import MMMError
from ..actions.validation import bone_properties
from ..bpy_types import Action, ArmatureObject, FCurve, Object, bpy
from ..fcurves.curve_writer import open_writer
from ..fcurves.keyframe_arrays import (
    KEY_DTYPE,
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
    bone_curves,
    curve_store,
    rig_curves,
)
from .fingerprint import changed_bones, checksums, load_fingerprint
from .locked_keys import LockedKeys, mark_as_keyframes
from .recipe import EditStep, UserEdits
from .recipe_store import load_recipe

Keys: TypeAlias = Mapping[str, KeyArray]
"""Keys of curves, by data path and index."""

_CURVE_NAME = re.compile(r"(.*)\[(\d+)\]", re.DOTALL)
_WORD = np.dtype("<u4")


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
    """What the user changed since our last write; nothing where there was none. also: bones of
    which the curves are stored in any case."""
    before = load_fingerprint(action, rig)
    changed = [] if before is None else changed_bones(checksums(rig, action), before)
    bones = list(dict.fromkeys((*changed, *also)))
    present = bone_curves(rig, action) if bones else {}
    curves = [curve for bone in bones for curve in present.get(bone, ())]
    return UserEdits(tuple(bones), {_name(each): pack_keys(read_keys(each)) for each in curves})


def repeat_user_edits(rig: Object, action: Action, hand: UserEdits) -> None:
    """Give the bones of an Action that the user changed the curves that they had afterwards."""
    if not hand.bones:
        return
    store, present = curve_store(rig, action), bone_curves(rig, action)
    curves = {_name(curve): curve for bone in hand.bones for curve in present.get(bone, ())}
    for name in curves.keys() - hand.curves.keys():
        assert store is not None  # it has that curve
        forget_keys(curves[name])
        store.fcurves.remove(curves[name])
    with open_writer(rig, action) as writer:
        for name, packed in hand.curves.items():
            path, index, bone = _parts(name)
            curve = curves.get(name) or writer.new(path, index, bone)
            keys = unpack_keys(packed)
            writer.write(curve, keys, np.ones(len(keys), dtype=np.bool_), read_keys(curve))


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
    columns = zip(_columns(keys), _columns(others), strict=True)
    return np.all([_words(mine) == _words(theirs)[at_N] for mine, theirs in columns], axis=0)


# --- curves and keys as text ---------------------------------------------------------------------


def _name(curve: FCurve) -> str:
    return f"{curve.data_path}[{curve.array_index}]"


def _parts(name: str) -> tuple[str, int, str]:
    """Data path, index and bone of a curve."""
    found = _CURVE_NAME.fullmatch(name)
    bone = found and BONE_PATH.match(found[1])
    if found is None or bone is None:
        raise MMMError(f"The Action's recipe is damaged (it names a curve {name!r}).")
    return found[1], int(found[2]), bpy.utils.unescape_identifier(bone[1])


def pack_keys(keys: KeyArray) -> str:
    """All numbers of the keys, one kind after the other, which packs better."""
    return pack(np.stack([_words(column) for column in _columns(keys)]))


def unpack_keys(text: str) -> KeyArray:
    """The keys, bit for bit."""
    rows = unpack(text)
    keys = np.zeros(rows.shape[-1], dtype=KEY_DTYPE)
    columns = _columns(keys)
    if rows.dtype != _WORD or len(rows) != len(columns):
        raise MMMError("The Action's recipe is damaged (the keys of a curve).")
    for row, column in zip(rows, columns, strict=True):
        column[:] = row.view(column.dtype) if column.dtype.itemsize == _WORD.itemsize else row != 0
    return keys


def _columns(keys: KeyArray) -> list[AnyArray]:
    """Every number (N,) of the keys, to be read or written."""
    fields = [keys[name] for name in KEY_DTYPE.names or ()]
    return [part for each in fields for part in (each.T if each.ndim > 1 else [each])]


def _words(column: AnyArray) -> npt.NDArray[np.uint32]:
    """Bit for bit; truth as 0 or 1."""
    if column.dtype.itemsize == _WORD.itemsize:
        return np.ascontiguousarray(column).view(_WORD)
    return column.astype(_WORD)
