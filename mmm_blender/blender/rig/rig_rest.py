"""A rig's rest pose, measured by its map."""

from __future__ import annotations

import numpy as np

from ...common.arrays import FloatArray
from ...common.errors import MMMError
from ...geometry.retarget.alignment import Alignment, RestBody, align
from ...geometry.retarget.rig_map import SIDES, RigMap
from ..bpy_types import Bone, Object


def rig_alignment(rig: Object, rig_map: RigMap) -> Alignment:
    """How a rig rests, and how that becomes SMPL's T-pose. MMMError where it is no person's."""
    return align(_rest_body(rig, rig_map))


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
    if not all(np.isfinite(place).all() for place in (*heads.values(), *tips.values())):
        raise MMMError(f"A bone of '{rig.name}' rests at no place: mend its rest pose.")
    return RestBody(heads, tips)


def _tip(bone: Bone) -> FloatArray:
    """Where a bone leads: the middle of what hangs on it (fingers, toes), or its tail."""
    heads = [_point(child.head_local) for child in bone.children]
    start, reach = _point(bone.head_local), float(bone.length)
    far = [head for head in heads if np.linalg.norm(head - start) > 0.3 * reach]
    return np.mean(far, axis=0) if far else _point(bone.tail_local)


def _point(vector: object) -> FloatArray:
    return np.array(vector, dtype=np.float64)
