"""What the keys of an Action were when we last wrote it: by that, hand edits are known.

Blender leaves the type GENERATED on a key that is moved by hand, so types do not tell. For every
bone and frame one checksum is kept, over the frame and value of all keys that the bone has there.
"""

from __future__ import annotations

import json
import re
import zlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import numpy as np
import numpy.typing as npt

from ..geometry.errors import MMMError
from ..geometry.packing import pack, unpack
from .curve_keys import read_keys
from .fcurves import curve_store, curves_by_channel
from .host import Action, FCurve, Object

FINGERPRINT_PROPERTY = "mmm_fingerprint"
"""Custom property of the Action that holds the fingerprint as JSON text."""

_VERSION = 1
_BONE_PATH = re.compile(r'pose\.bones\["((?:[^"\\]|\\.)*)"\]\.')

Points: TypeAlias = npt.NDArray[np.float32]
"""(N, 2): frame and value of a curve's keys, raw."""


@dataclass(frozen=True)
class Fingerprint:
    """checks: for each bone (as Blender's data paths spell it) its keyed frames with a checksum."""

    checks: Mapping[str, Mapping[float, int]]

    def changed(self, before: Fingerprint) -> dict[str, set[float]]:
        """Frames of each bone whose keys are not as they were ``before``, or were not there."""
        found: dict[str, set[float]] = {}
        for bone, frames in self.checks.items():
            known = before.checks.get(bone, {})
            odd = {frame for frame, check in frames.items() if known.get(frame) != check}
            if odd:
                found[bone] = odd
        return found


def fingerprint_of(rig: Object, action: Action) -> Fingerprint:
    """The Action's keys as they are now, of the curves that animate the rig's bones."""
    return Fingerprint({bone: _checks(each) for bone, each in _by_bone(rig, action).items()})


def _by_bone(rig: Object, action: Action) -> dict[str, list[FCurve]]:
    """Curves of each bone, always in the same order."""
    bones: defaultdict[str, list[FCurve]] = defaultdict(list)
    for (path, _), curve in sorted(curves_by_channel(curve_store(rig, action)).items()):
        if found := _BONE_PATH.match(path):
            bones[found[1]].append(curve)
    return dict(bones)


def _checks(curves: Sequence[FCurve]) -> dict[float, int]:
    """A checksum for every frame at which any of a bone's curves has a key."""
    keyed: list[Points] = [read_keys(curve)["co"] for curve in curves]
    frames = np.unique(np.concatenate([points[:, 0] for points in keyed]))
    table = np.full((len(frames), len(curves)), np.nan, dtype="<f4")
    for column, points in enumerate(keyed):
        table[np.searchsorted(frames, points[:, 0]), column] = points[:, 1]
    names = "\n".join(f"{curve.data_path}[{curve.array_index}]" for curve in curves)
    start = zlib.crc32(names.encode("utf-8"))
    return {
        float(frame): zlib.crc32(row.tobytes(), start)
        for frame, row in zip(frames, table, strict=True)
    }


def remember(rig: Object, action: Action) -> None:
    """Store the fingerprint of the Action as it is now: to be called after each write of ours."""
    now = fingerprint_of(rig, action).checks
    counts = [len(frames) for frames in now.values()]
    frames = [frame for each in now.values() for frame in each]
    checks = [check for each in now.values() for check in each.values()]
    content = {
        "version": _VERSION,
        "bones": list(now),
        "counts": counts,
        "frames": pack(np.array(frames, dtype=np.float32)),
        "checks": pack(np.array(checks, dtype=np.uint32)),
    }
    action[FINGERPRINT_PROPERTY] = json.dumps(content, ensure_ascii=False)


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
        splits = np.cumsum(content["counts"])[:-1]
        frames = np.split(unpack(content["frames"]), splits)
        checks = np.split(unpack(content["checks"]), splits)
        rows = zip(content["bones"], frames, checks, strict=True)
        return Fingerprint(
            {bone: dict(zip(map(float, f), map(int, c), strict=True)) for bone, f, c in rows}
        )
    except (TypeError, KeyError, ValueError) as error:
        raise MMMError(
            "The Action's fingerprint is damaged: choose another way of holding keys than Edited."
        ) from error


def is_untouched(rig: Object, action: Action) -> bool:
    """No key was changed, added or taken away by hand since we last wrote the Action."""
    before = remembered(action)
    return before is not None and before.checks == fingerprint_of(rig, action).checks
