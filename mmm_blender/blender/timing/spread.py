"""Keys that a person edited, spread over the keys around them; and taken back, bit for bit.

What was changed is stored with the Action: of each curve the keys before and after. Keys that are
as a spread has left them are no edits of the person's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ...common.errors import MMMError
from ...common.untrusted import json_value
from ...geometry.editing.spread import KeyedValues, spread_edit
from ...geometry.skeleton import SMPL_22
from ..actions.cycles import repeats
from ..actions.editability import editing_poll_error
from ..actions.range_writer import keyed_extent, raw_curves
from ..actions.validation import BoneProperty, bone_properties, check_curves
from ..bpy_types import Action, ArmatureObject, Context, FCurve, bpy
from ..edit.chosen_range import Source, chosen_range
from ..fcurves.curve_writer import CurveWriter, open_writer
from ..fcurves.frame_range import ALL_FRAMES, FrameRange
from ..fcurves.keyframe_arrays import KeyArray, key_frames, read_keys, reading_once
from ..fcurves.layered_actions import curves_by_channel, rig_curves
from ..fcurves.slot_properties import read_text, write_text
from ..history.action_guard import rolled_back
from ..history.fingerprint import BoneRows, bone_rows, load_fingerprint, written_curves
from ..history.key_text import pack_keys, unpack_keys

SPREAD_PROPERTY = "mmm_spread"
"""Custom property of an Action in which edits were spread: JSON with the keys before and after."""

_NOTHING = (
    "No key was changed by hand since MMM made this motion: move a pose, key it, then press again."
)


@dataclass(frozen=True, eq=False)
class _Spread:
    """What became of a curve. before, after: its changed keys."""

    before: KeyArray
    after: KeyArray

    def stands(self, keys: KeyArray) -> BoolArray:
        """Which of the keys are as the spread has left them. (N,)."""
        left = self.rows
        return np.array([each.tobytes() in left for each in keys["co"]], dtype=np.bool_)

    @property
    def moved(self) -> int:
        """Keys whose value is another one."""
        return int((self.before["co"][:, 1] != self.after["co"][:, 1]).sum())

    @property
    def rows(self) -> dict[bytes, np.void]:
        """Each key as it was before, by the point where it is now."""
        points = (each.tobytes() for each in self.after["co"])
        return dict(zip(points, self.before, strict=True))


_Spreads: TypeAlias = Mapping[tuple[str, int], _Spread]
"""By data path and index."""


def spread_edits(context: Context, rig: ArmatureObject, frames: int) -> int:
    """Spread the person's edits over so many frames on both sides; how many keys moved.

    Edits among the selected keys, or all where none are selected. Raises MMMError, with nothing
    changed, where there are none, or the keys around are too few.
    """
    action = _editable(rig)
    before = load_fingerprint(action, rig)
    if before is None:
        raise MMMError(f"Nobody knows what was edited in '{action.name}': MMM has not made it.")
    span = chosen_range(context, rig)
    chosen: FrameRange = span if span.source is Source.KEYS else ALL_FRAMES
    known = _load(action, rig)
    rows = {bone: bone_rows(each) for bone, each in written_curves(rig, action).items()}
    edited = {bone: _edited_frames(each, before.get(bone), chosen) for bone, each in rows.items()}
    found = dict(known)
    with reading_once(), rolled_back(action, raw_curves(action)):
        with open_writer(rig, action) as writer:
            for each in bone_properties(rig, action, SMPL_22.names):
                its = edited.get(bpy.utils.escape_identifier(each.bone), frozenset())
                if its:
                    found |= _spread_property(writer, each, its, frames, known)
        moved = sum(each.moved for name, each in found.items() if known.get(name) is not each)
        if not moved:
            raise MMMError(_NOTHING if not any(edited.values()) else _TOO_FEW)
        _store(action, rig, found)
    return moved


_TOO_FEW = (
    "The keys beside what you edited are too few, or the edit is too small, to be spread: where "
    "keys are few, their handles spread it."
)
_DAMAGED = "What was spread in this Action is damaged: undo what changed it."


def remove_spread(rig: ArmatureObject) -> tuple[int, int]:
    """Put back the keys that were moved, bit for bit; how many, and how many stay because they were
    changed since. Raises MMMError where nothing was spread."""
    action = _editable(rig)
    known = _load(action, rig)
    if not known:
        raise MMMError(f"No edit was spread in '{action.name}': there is nothing to take back.")
    curves = curves_by_channel(rig_curves(rig, action))
    stale = _changed_since(known, curves)
    back = 0
    with reading_once(), rolled_back(action, raw_curves(action)):
        with open_writer(rig, action) as writer:
            for channel, each in known.items():
                if channel in curves:
                    back += _put_back(writer, curves[channel], each, stale[channel[0]])
        write_text(action, SPREAD_PROPERTY, "", rig)
    return back, sum(each.moved for each in known.values()) - back


def spread_poll_error(rig: ArmatureObject | None) -> str:
    """Why no spread can be taken back, in a sentence; else ""."""
    action = None if rig is None or rig.animation_data is None else rig.animation_data.action
    if rig is None or action is None or not read_text(action, SPREAD_PROPERTY, rig):
        return "No edit was spread in this motion."
    return ""


def _editable(rig: ArmatureObject) -> Action:
    if reason := editing_poll_error(rig, "ALL"):
        raise MMMError(reason)
    action: Action = rig.animation_data.action
    extent = keyed_extent(rig, action)
    assert extent is not None  # or it could not be edited
    first, last = int(np.floor(extent[0])) + 1, int(np.ceil(extent[1])) - 1
    check_curves(rig, action, SMPL_22.names, first, max(first, last))
    return action


def _edited_frames(rows: BoneRows, before: BoneRows | None, chosen: FrameRange) -> frozenset[float]:
    """Frames on which the person has keyed or moved a bone."""
    frames_N = rows.frames_N[rows.by_hand_N(before)]
    return frozenset(float(frame) for frame in frames_N if chosen.contains(frame))


def _spread_property(
    writer: CurveWriter,
    of: BoneProperty,
    edited: frozenset[float],
    reach: int,
    known: _Spreads,
) -> dict[tuple[str, int], _Spread]:
    """Spread the edits of one property; nothing where its curves are keyed on different frames."""
    curves = [curve for curve in of.curves if curve is not None]
    keys = [read_keys(curve) for curve in curves]
    if len(curves) != len(of.curves) or any(
        not np.array_equal(each["co"][:, 0], keys[0]["co"][:, 0]) for each in keys
    ):
        return {}
    names = [(of.path, index) for index in range(len(curves))]
    frames_K = key_frames(keys[0])
    edited_K = np.isin(frames_K, list(edited))
    edited_K &= ~_as_spread(keys, [known.get(name) for name in names])
    held_K = np.zeros_like(edited_K)
    if repeats(curves[0]):  # a round must end as it begins
        held_K[[0, -1]] = True
    values_KN = np.stack([each["co"][:, 1] for each in keys], axis=-1).astype(np.float64)
    keyed = KeyedValues(frames_K, values_KN, of.mode)
    moved_KN = spread_edit(keyed, edited_K, float(reach), held_K)
    if moved_KN is None:
        return {}
    return {
        name: spread
        for index, name in enumerate(names)
        if (
            spread := _moved(
                writer, curves[index], keys[index], moved_KN[:, index], known.get(name)
            )
        )
    }


def _as_spread(keys: list[KeyArray], spreads: list[_Spread | None]) -> BoolArray:
    """Which keys of a property are as a spread has left them, on all curves that it has moved."""
    moved_K = np.zeros(len(keys[0]), dtype=np.bool_)
    stands_K = ~moved_K
    for its, spread in zip(keys, spreads, strict=True):
        if spread is not None:
            known_K = np.isin(its["co"][:, 0], spread.after["co"][:, 0])
            moved_K |= known_K
            stands_K &= spread.stands(its) | ~known_K
    return moved_K & stands_K


def _moved(
    writer: CurveWriter, curve: FCurve, old: KeyArray, values_K: FloatArray, known: _Spread | None
) -> _Spread | None:
    """Write a curve's values; its keys before and after, with those of earlier spreads."""
    new, wanted_K = old.copy(), values_K.astype(np.float32)
    changed_K = wanted_K != old["co"][:, 1]
    if not changed_K.any():
        return None
    for name in ("handle_left", "handle_right"):
        new[name][changed_K, 1] += (wanted_K - old["co"][:, 1])[changed_K]
    new["co"][changed_K, 1] = wanted_K[changed_K]
    writer.write(curve, new, ~changed_K, old)
    now = read_keys(curve)
    other_K = np.array([a.tobytes() != b.tobytes() for a, b in zip(old, now, strict=True)])
    before, after = old.copy(), now
    if known is not None:  # what an earlier spread has moved goes back to where that began
        first = known.rows
        for at, key in enumerate(old["co"]):
            if key.tobytes() in first:
                before[at], other_K[at] = first[key.tobytes()], True
    return _Spread(before[other_K], after[other_K])


def _changed_since(
    spreads: _Spreads, curves: Mapping[tuple[str, int], FCurve]
) -> dict[str, set[float]]:
    """Of each property the frames on which any of its keys is not as it was left: a pose that was
    keyed there since stays whole."""
    stale: dict[str, set[float]] = {}
    for channel, spread in spreads.items():
        frames = stale.setdefault(channel[0], set())
        known = {float(frame) for frame in spread.after["co"][:, 0]}
        if channel in curves:
            keys = read_keys(curves[channel])
            known -= {float(frame) for frame in keys["co"][spread.stands(keys), 0]}
        frames |= known
    return stale


def _put_back(writer: CurveWriter, curve: FCurve, spread: _Spread, stale: set[float]) -> int:
    """Keys that are as the spread has left them become what they were; how many moved."""
    old = read_keys(curve)
    new, rows = old.copy(), spread.rows
    for at, key in enumerate(old["co"]):
        if key.tobytes() in rows and float(key[0]) not in stale:
            new[at] = rows[key.tobytes()]
    writer.write(curve, new, np.ones(len(new), dtype=np.bool_), old)
    return int((new["co"][:, 1] != old["co"][:, 1]).sum())


def _store(action: Action, rig: ArmatureObject, spreads: _Spreads) -> None:
    rows = [
        [path, index, pack_keys(each.before), pack_keys(each.after)]
        for (path, index), each in spreads.items()
    ]
    write_text(action, SPREAD_PROPERTY, json.dumps(rows), rig)


def _load(action: Action, rig: ArmatureObject) -> dict[tuple[str, int], _Spread]:
    """What was spread in an Action; MMMError where that is damaged."""
    text = read_text(action, SPREAD_PROPERTY, rig)
    if not text:
        return {}
    try:
        rows = cast("list[Any]", json_value(text))
        found = {(str(p), int(i)): _Spread(unpack_keys(b), unpack_keys(a)) for p, i, b, a in rows}
    except (TypeError, ValueError) as error:
        raise MMMError(_DAMAGED) from error
    if any(each.before.shape != each.after.shape for each in found.values()):
        raise MMMError(_DAMAGED)
    return found
