"""A rig's rest pose, measured by its map."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TypeAlias

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.retarget.alignment import Alignment, RestBody, align
from ...geometry.retarget.rig_map import SIDES, RigMap
from ..bpy_types import Bone, Object

Places: TypeAlias = tuple[tuple[str, bytes], ...]
"""Names with points, each as the bytes of three numbers."""


def rig_alignment(rig: Object, rig_map: RigMap) -> Alignment:
    """How a rig rests, and how that becomes SMPL's T-pose. MMMError where it is no person's."""
    body = _rest_body(rig, rig_map)
    return _aligned(_packed(body.heads), _packed(body.tips))


def _packed(places: Mapping[str, FloatArray]) -> Places:
    return tuple((name, place.tobytes()) for name, place in places.items())


@lru_cache(maxsize=16)
def _aligned(heads: Places, tips: Places) -> Alignment:
    """One press asks for the same rest pose two dozen times. Its arrays are shared: read-only."""
    found = align(RestBody(_unpacked(heads), _unpacked(tips)))
    for array in (
        *(found.axes_4, found.alignments_J4),
        *(found.hips_3, found.floor_3),
        found.legs_S43,
    ):
        array.flags.writeable = False
    return found


def _unpacked(places: Places) -> dict[str, FloatArray]:
    return {name: np.frombuffer(place, dtype=np.float64) for name, place in places}


def _rest_body(rig: Object, rig_map: RigMap) -> RestBody:
    bones = rig.data.bones
    heads: dict[str, FloatArray] = {}
    for slot, chain in rig_map.read.items():
        heads[slot] = _point(bones[chain[0]].head_local)
    tips: dict[str, FloatArray] = {}
    for side in SIDES:
        for joint in ("wrist", "ankle", "foot", "elbow"):
            chain = rig_map.read.get(f"{side}_{joint}", ())
            if chain:
                tips[f"{side}_{joint}"] = _tip(bones[chain[0]])
    if not np.isfinite(np.array([*heads.values(), *tips.values()])).all():
        raise MMMError(f"A bone of '{rig.name}' rests at no place: mend its rest pose.")
    return RestBody(heads, tips)


def _tip(bone: Bone) -> FloatArray:
    """Where a bone leads: the middle of what hangs on it (fingers, toes), or its tail."""
    start, reach = bone.head_local, float(bone.length)
    heads = (child.head_local for child in bone.children)
    far = [(head.x, head.y, head.z) for head in heads if (head - start).length > 0.3 * reach]
    return np.array(far).sum(axis=0) / len(far) if far else _point(bone.tail_local)


def _point(vector: object) -> FloatArray:
    return np.array(vector, dtype=np.float64)
