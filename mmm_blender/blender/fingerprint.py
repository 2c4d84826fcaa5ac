"""What the keys of an Action were when we last wrote it: by that, hand edits are known.

Blender leaves the type GENERATED on a key that is moved by hand, so types do not tell. For every
bone and frame one checksum is kept, over the frame and value of all keys that the bone has there;
and which of them a person made, for those stay hers when we write the rest.

Shape suffixes: N keyed frames of a bone, B bytes.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from ..geometry.conventions import BoolArray
from ..geometry.errors import MMMError
from ..geometry.packing import pack, unpack
from .curve_keys import KEY_DTYPE, KeyArray, key_frames, read_keys
from .fcurves import curve_store, curves_by_channel
from .host import Action, FCurve, Object

FINGERPRINT_PROPERTY = "mmm_fingerprint"
"""Custom property of the Action that holds the fingerprint as JSON text."""

_VERSION = 1

BONE_PATH = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]\.')
"""How data paths of a bone begin; its name is in the group."""

Frames: TypeAlias = npt.NDArray[np.float32]
Checks: TypeAlias = npt.NDArray[np.uint32]

Cells: TypeAlias = Mapping[str, Collection[float]]
"""Frames of bones, by the bone's name as Blender's data paths spell it."""

_NUMBERS = np.dtype(
    [
        (name, KEY_DTYPE[name].base, KEY_DTYPE[name].shape)
        for name in KEY_DTYPE.names or ()
        if not name.startswith("select")
    ]
)
"""What of a key makes the motion: all but whether it is selected. Without gaps."""


@dataclass(frozen=True, eq=False)
class BonePrint:
    """One bone's keys. frames_N: where any of its curves has a key; checks_N: of the keys there;
    own_N: a person made them. curves: checksum of every number of all its keys."""

    frames_N: Frames
    checks_N: Checks
    own_N: BoolArray
    curves: int

    def changed_N(self, before: BonePrint | None) -> BoolArray:
        """Where the keys are not what they were ``before``, or there were none."""
        return ~_found(self._cells_N, before._cells_N) if before else ~np.zeros_like(self.own_N)

    def by_hand_N(self, before: BonePrint | None) -> BoolArray:
        """Where a person made the keys: since ``before``, or known as hers then."""
        own = before.frames_N[before.own_N] if before else self.frames_N[:0]
        return self.changed_N(before) | _found(self.frames_N, own)

    @property
    def _cells_N(self) -> npt.NDArray[np.uint64]:
        """Frame and checksum as one number."""
        frames_N = np.ascontiguousarray(self.frames_N).view(np.uint32).astype(np.uint64)
        return (frames_N << np.uint64(32)) | self.checks_N


def _found(wanted: npt.NDArray[Any], among: npt.NDArray[Any]) -> BoolArray:
    return np.isin(wanted, among)


Fingerprint: TypeAlias = Mapping[str, BonePrint]
"""By bone, named as Blender's data paths spell it."""


def fingerprint_of(rig: Object, action: Action) -> dict[str, BonePrint]:
    """The Action's keys as they are now, of the curves that animate the rig's bones."""
    return {bone: _bone_print(curves) for bone, curves in bone_curves(rig, action).items()}


def bone_curves(rig: Object, action: Action) -> dict[str, list[FCurve]]:
    """Curves of each bone (as data paths spell it), always in the same order."""
    bones: defaultdict[str, list[FCurve]] = defaultdict(list)
    for (path, _), curve in sorted(curves_by_channel(curve_store(rig, action)).items()):
        if found := BONE_PATH.match(path):
            bones[found[1]].append(curve)
    return dict(bones)


def _bone_print(curves: Sequence[FCurve]) -> BonePrint:
    keys = [read_keys(curve) for curve in curves]
    names = "\n".join(f"{curve.data_path}[{curve.array_index}]" for curve in curves)
    start = zlib.crc32(names.encode("utf-8"))
    keyed = [key_frames(each).astype(np.float32) for each in keys]
    frames_N = np.unique(np.concatenate(keyed))
    table = np.full((len(frames_N), len(keys)), np.nan, dtype="<f4")
    whole = start
    for column, (frames, each) in enumerate(zip(keyed, keys, strict=True)):
        table[np.searchsorted(frames_N, frames), column] = each["co"][:, 1]
        whole = zlib.crc32(moving_numbers(each), whole)
    checks_N = row_checks(table.view(np.uint8).reshape(len(table), -1), start)
    return BonePrint(frames_N, checks_N, np.zeros(len(frames_N), dtype=np.bool_), whole)


def moving_numbers(keys: KeyArray) -> bytes:
    """All that keys say of the motion; which of them are selected is not in it."""
    numbers = np.empty(len(keys), dtype=_NUMBERS)
    for name in _NUMBERS.names or ():
        numbers[name] = keys[name]
    return numbers.tobytes()


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


def changed_bones(now: Fingerprint, before: Fingerprint) -> list[str]:
    """Bones of which any number is not what it was ``before``, also those that went or came."""
    return [
        bone
        for bone in dict.fromkeys((*now, *before))
        if bone not in now or bone not in before or now[bone].curves != before[bone].curves
    ]


def is_untouched(rig: Object, action: Action) -> bool:
    """No number of any key was changed, and none added or taken away, since we last wrote it."""
    before = remembered(action)
    return before is not None and not changed_bones(fingerprint_of(rig, action), before)


# --- in the Action -------------------------------------------------------------------------------


def remember(rig: Object, action: Action, own: Cells | None = None) -> None:
    """Store the fingerprint of the Action as it is now: to be called after each write of ours.

    own: what a person made and the write has left (``holds.own_after``).
    """
    now = fingerprint_of(rig, action)
    for bone, frames in (own or {}).items():
        if bone in now:
            own_N = _found(now[bone].frames_N, np.array(list(frames), dtype=np.float32))
            now[bone] = replace(now[bone], own_N=own_N)
    content = {
        "version": _VERSION,
        "bones": list(now),
        "counts": [len(each.frames_N) for each in now.values()],
        "curves": pack(np.array([each.curves for each in now.values()], dtype=np.uint32)),
        "frames": _packed([each.frames_N for each in now.values()], np.float32),
        "checks": _packed([each.checks_N for each in now.values()], np.uint32),
        "own": _packed([each.own_N for each in now.values()], np.bool_),
    }
    action[FINGERPRINT_PROPERTY] = json.dumps(content, ensure_ascii=False)


def _packed(columns: Sequence[npt.NDArray[Any]], kind: type[np.generic]) -> str:
    return pack(np.concatenate([np.empty(0, dtype=kind), *columns]))


def remembered(action: Action) -> Fingerprint | None:
    """The fingerprint that the Action carries; None if it carries none, MMMError if damaged."""
    text = action.get(FINGERPRINT_PROPERTY)
    if text is None:
        return None
    try:
        content = cast("dict[str, Any]", json.loads(text))
        if content["version"] != _VERSION:
            raise MMMError(
                "The Action's fingerprint is of another version of the add-on: choose another "
                "way of holding keys than Edited."
            )
        return _read(content)
    except (TypeError, KeyError, ValueError) as error:
        raise MMMError(
            "The Action's fingerprint is damaged: choose another way of holding keys than Edited."
        ) from error


def _read(content: Mapping[str, Any]) -> Fingerprint:
    """Raises KeyError, TypeError or ValueError where it is damaged."""
    splits = np.cumsum(content["counts"])[:-1]
    columns = [np.split(unpack(content[name]), splits) for name in ("frames", "checks", "own")]
    curves = [int(check) for check in unpack(content["curves"])]
    rows = zip(content["bones"], *columns, curves, strict=True)
    return {
        bone: BonePrint(frames, checks, own, whole) for bone, frames, checks, own, whole in rows
    }
