"""What the keys of an Action were when MMM last wrote it: by that, user edits are known.

Blender leaves the type GENERATED on a key that is moved by hand, so types do not tell. For every
bone and frame one checksum is kept, over the frame and value of all keys that the bone has there;
and which of them the user made, for those stay the user's when the rest is written.

Shape suffixes: N keyed frames of a bone, B bytes.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from ...common.array_text import pack, unpack
from ...common.arrays import BoolArray
from ...common.errors import MMMError
from ...common.untrusted import json_value
from ...geometry.rotation_modes import EULER_PROPERTY, PROPERTY
from ..bpy_types import Action, FCurve, Object, bpy
from ..fcurves.keyframe_arrays import moving_check, point_frames, read_field, reading_once
from ..fcurves.layered_actions import bone_path
from ..fcurves.slot_properties import OBJECT_BONE, body_curves, read_text, write_text
from ..rig.binding import binding_of
from .row_prints import RowPrint, packed_rows, row_print, unpacked_rows

FINGERPRINT_PROPERTY = "mmm_fingerprint"
"""Custom property of the Action that holds the fingerprint as JSON text."""

_VERSION = 1


Frames: TypeAlias = npt.NDArray[np.float32]
Checks: TypeAlias = npt.NDArray[np.uint32]

Cells: TypeAlias = Mapping[str, Collection[float]]
"""Frames of bones, by the bone's name as Blender's data paths spell it."""


@dataclass(frozen=True, eq=False)
class BoneRows:
    """One bone's keys. frames_N: where any of its curves has a key; checks_N: of the keys there;
    own_N: the user made them."""

    frames_N: Frames
    checks_N: Checks
    own_N: BoolArray

    def changed_N(self, before: BoneRows | None) -> BoolArray:
        """Where the keys are not what they were ``before``, or there were none."""
        return ~_found(self._cells_N, before._cells_N) if before else ~np.zeros_like(self.own_N)

    def found_N(self, others: BoneRows) -> BoolArray:
        """Which of the frames are keyed in others, whatever the keys say."""
        return _found(self.frames_N, others.frames_N)

    def by_hand_N(self, before: BoneRows | None) -> BoolArray:
        """Where the user made the keys: since ``before``, or known as the user's then."""
        own = before.frames_N[before.own_N] if before else self.frames_N[:0]
        return self.changed_N(before) | _found(self.frames_N, own)

    @property
    def _cells_N(self) -> npt.NDArray[np.uint64]:
        """Frame and checksum as one number."""
        frames_N = np.ascontiguousarray(self.frames_N).view(np.uint32).astype(np.uint64)
        return (frames_N << np.uint64(32)) | self.checks_N


@dataclass(frozen=True, eq=False)
class BonePrint(BoneRows):
    """``curves``: checksum of every number of all the bone's keys. rows: of those on each frame;
    None where an earlier version of the add-on wrote them."""

    curves: int
    rows: RowPrint | None = None


def _found(wanted: npt.NDArray[Any], among: npt.NDArray[Any]) -> BoolArray:
    return np.isin(wanted, among)


Fingerprint: TypeAlias = Mapping[str, BonePrint]
"""By bone, named as Blender's data paths spell it."""


def renamed_bones(rig: Object, action: Action, before: Fingerprint) -> set[str]:
    """Bones (as data paths spell them) that have keys and were not known ``before``, where the rig
    has lost others that were: their keys may all be ours."""
    names = {OBJECT_BONE, *(bpy.utils.escape_identifier(bone.name) for bone in rig.data.bones)}
    if before.keys() <= names:
        return set()
    return {bone for bone in body_curves(rig, action) if bone and bone not in before}


def written_curves(rig: Object, action: Action) -> dict[str, list[FCurve]]:
    """Of every bone that has keys the curves that an edit of ours writes: its rotation in the mode
    that it has, and the location of those that are placed. Others, such as scale, are the user's
    alone.

    By bone, named as Blender's data paths spell it.
    """
    keyed = binding_of(rig).keyed
    written: dict[str, list[FCurve]] = {}
    for bone, curves in body_curves(rig, action).items():
        paths = _written_paths(rig, bone, keyed)
        written[bone] = [curve for curve in curves if str(curve.data_path) in paths]
    return written


def _written_paths(
    rig: Object, spelt: str, keyed: Mapping[str, tuple[str, ...]]
) -> tuple[str, ...]:
    if spelt == OBJECT_BONE:
        return ("location",)
    name = bpy.utils.unescape_identifier(spelt)
    bone = rig.pose.bones.get(name)
    mode = "QUATERNION" if bone is None else str(bone.rotation_mode)
    properties = {"rotation": PROPERTY.get(mode, EULER_PROPERTY), "location": "location"}
    return tuple(bone_path(name, properties[each]) for each in keyed.get(name, ("rotation",)))


def _named(curves: Sequence[FCurve]) -> int:
    """Checksum of which curves they are."""
    names = "\n".join(f"{curve.data_path}[{curve.array_index}]" for curve in curves)
    return zlib.crc32(names.encode("utf-8"))


def checksums(rig: Object, action: Action) -> dict[str, int]:
    """Checksum of every number of all keys of each bone, as they are now."""
    return {bone: _whole_check(curves) for bone, curves in body_curves(rig, action).items()}


def _whole_check(curves: Sequence[FCurve]) -> int:
    whole = _named(curves)
    for curve in curves:
        whole = moving_check(curve, whole)
    return whole


def bone_rows(curves: Sequence[FCurve], span: tuple[float, float] | None = None) -> BoneRows:
    """A bone's keys as they are now, none of them known as the user's. span: first and last frame
    that count, all by default."""
    if not curves:
        return BoneRows(np.empty(0, np.float32), np.empty(0, np.uint32), np.empty(0, np.bool_))
    points = [read_field(curve, "co") for curve in curves]
    keyed = [point_frames(co).astype(np.float32) for co in points]
    values = [co[:, 1] for co in points]
    if span is not None:
        inside = [(frames >= span[0]) & (frames <= span[1]) for frames in keyed]
        keyed = [frames[at] for frames, at in zip(keyed, inside, strict=True)]
        values = [column[at] for column, at in zip(values, inside, strict=True)]
    frames_N, table = _table(keyed, values)
    checks_N = row_checks(_bytes(table), _named(curves))
    return BoneRows(frames_N, checks_N, np.zeros(len(frames_N), dtype=np.bool_))


def _bytes(table: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Rows of numbers as rows of bytes (N, B)."""
    return (
        np.ascontiguousarray(table)
        .view(np.uint8)
        .reshape(len(table), table.shape[1] * table.itemsize)
    )


def _table(
    keyed: Sequence[Frames], values: Sequence[npt.NDArray[Any]]
) -> tuple[Frames, npt.NDArray[Any]]:
    """Frames with a key on any of some curves, and what the curves' keys say there, a row each."""
    first = keyed[0]
    if (first[1:] > first[:-1]).all() and all(np.array_equal(each, first) for each in keyed[1:]):
        return first, np.stack(values, axis=-1).astype("<f4")
    frames_N = np.unique(np.concatenate(keyed))
    table = np.full((len(frames_N), len(keyed)), np.nan, dtype="<f4")
    for column, (frames, said) in enumerate(zip(keyed, values, strict=True)):
        table[np.searchsorted(frames_N, frames), column] = said
    return frames_N, table


def row_checks(rows_NB: npt.NDArray[np.uint8], start: int) -> Checks:
    """``zlib.crc32(row, start)`` of every row, all of them at once."""
    checks_N = np.full(len(rows_NB), start ^ 0xFFFFFFFF, dtype=np.uint32)
    for column_N in rows_NB.T:
        checks_N = _CRC_TABLE[(checks_N ^ column_N) & _BYTE] ^ (checks_N >> _BITS)
    return ~checks_N


def _crc_table() -> Checks:
    """Remainders of all bytes by the polynomial of CRC-32, lowest bit first."""
    one, polynomial = np.uint32(1), np.uint32(0xEDB88320)
    table = np.arange(256, dtype=np.uint32)
    for _ in range(int(_BITS)):
        table = (table >> one) ^ polynomial * (table & one)
    return table


_BITS, _BYTE = np.uint32(8), np.uint32(0xFF)
_CRC_TABLE = _crc_table()


def changed_bones(now: Mapping[str, int], before: Fingerprint) -> list[str]:
    """Bones of which any number is not what it was ``before``, also those that went or came.

    now: ``checksums``.
    """
    return [
        bone
        for bone in dict.fromkeys((*now, *before))
        if bone not in now or bone not in before or now[bone] != before[bone].curves
    ]


def is_untouched(rig: Object, action: Action, now: Mapping[str, int] | None = None) -> bool:
    """No number of any key was changed, and none added or taken away, since we last wrote it.

    now: ``checksums``, where they are known.
    """
    before = load_fingerprint(action, rig)
    if before is None:
        return False
    return not changed_bones(checksums(rig, action) if now is None else now, before)


# --- in the Action -------------------------------------------------------------------------------


def store_fingerprint(rig: Object, action: Action, own: Cells | None = None) -> None:
    """Store the fingerprint of the Action as it is now: to be called after each write of ours.

    own: the user's keys that the write has left (``locked_keys.user_keys_after``).
    """
    with reading_once():  # each of the checksums wants the same keys
        content = _content(rig, action, own or {})
    write_text(action, FINGERPRINT_PROPERTY, json.dumps(content, ensure_ascii=False), rig)


def _content(rig: Object, action: Action, own: Cells) -> dict[str, Any]:
    """The fingerprint as JSON values."""
    curves = body_curves(rig, action)
    prints = {bone: row_print(each) for bone, each in curves.items()}
    rows = {bone: bone_rows(each) for bone, each in written_curves(rig, action).items()}
    for bone, frames in own.items():
        if bone in rows:
            own_N = _found(rows[bone].frames_N, np.array(list(frames), dtype=np.float32))
            rows[bone] = replace(rows[bone], own_N=own_N)
    whole = [_whole_check(each) for each in curves.values()]
    frames = _packed_frames(rig, action, [each.frames_N for each in rows.values()])
    return {
        "version": _VERSION,
        "bones": list(rows),
        "counts": [len(each.frames_N) for each in rows.values()],
        "curves": pack(np.array(whole, dtype=np.uint32)),
        "frames": frames,
        "checks": _packed([each.checks_N for each in rows.values()], np.uint32),
        "own": _packed([each.own_N for each in rows.values()], np.bool_),
        "rows": packed_rows(prints, frames),
    }


def _packed_frames(rig: Object, action: Action, columns: Sequence[Frames]) -> str:
    """As ``_packed``; they mostly are what they were, and take long to pack."""
    try:
        stored = cast("dict[str, Any]", json_value(read_text(action, FINGERPRINT_PROPERTY, rig)))
        text = stored["frames"]
        if np.array_equal(unpack(text), np.concatenate(columns)):
            return text
    except (TypeError, LookupError, ValueError, MMMError):
        pass  # none yet, or damaged
    return _packed(columns, np.float32)


def _packed(columns: Sequence[npt.NDArray[Any]], kind: type[np.generic]) -> str:
    return pack(np.concatenate([np.empty(0, dtype=kind), *columns]))


def load_fingerprint(action: Action, rig: Object | None = None) -> Fingerprint | None:
    """The fingerprint that the Action carries for the rig's slot, for the first if no rig is given;
    None if it carries none, MMMError if damaged."""
    text = read_text(action, FINGERPRINT_PROPERTY, rig)
    if text is None:
        return None
    try:
        content = cast("dict[str, Any]", json_value(text))
        if content["version"] != _VERSION:
            raise MMMError(
                "The Action's fingerprint is of another version of the add-on: choose another "
                "Lock than Edited Keys."
            )
        return _read(content)
    except (TypeError, LookupError, ValueError, OverflowError) as error:
        raise MMMError(
            "The Action's fingerprint is damaged: choose another Lock than Edited Keys."
        ) from error


def _read(content: Mapping[str, Any]) -> Fingerprint:
    """Raises KeyError, TypeError or ValueError where it is damaged."""
    splits = np.cumsum(content["counts"])[:-1]
    columns = [np.split(unpack(content[name]), splits) for name in ("frames", "checks", "own")]
    curves = [int(check) for check in unpack(content["curves"])]
    prints = unpacked_rows(content.get("rows"), content["frames"])
    rows = zip(content["bones"], *columns, curves, strict=True)
    return {
        bone: BonePrint(frames, checks, own, whole, prints.get(bone))
        for bone, frames, checks, own, whole in rows
    }
