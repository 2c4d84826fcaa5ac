"""How far one way to key a skeleton's bones is from another: joints in metres, bones in radians.

The skeleton is whatever armature is keyed: a bone has a rest rotation and offset relative to its
parent, and is turned and moved within that by its channels, as Blender does.

T frames, J bones (parents before children), 3 xyz, 4 quaternion w first.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...common.arrays import BoolArray, FloatArray
from ..rotations import quat_multiply, quat_rotate


@dataclass(frozen=True, eq=False)
class BoneChain:
    """parents: -1 for a root. rest_J4, offsets_J3: relative to the parent's rest, metres. tips_J3:
    each bone's end in its own rest space, metres."""

    parents: Sequence[int]
    rest_J4: FloatArray
    offsets_J3: FloatArray
    tips_J3: FloatArray

    def points(self, rotations_TJ4: FloatArray, moves_TJ3: FloatArray) -> FloatArray:
        """Heads and then tips of all bones, metres in the armature's space. (T, 2 J, 3)."""
        frames, bones = rotations_TJ4.shape[:2]
        world_TJ4 = np.empty((frames, bones, 4))
        heads_TJ3, tips_TJ3 = np.empty((frames, bones, 3)), np.empty((frames, bones, 3))
        for bone, parent in enumerate(self.parents):
            rest_4, offset_3 = self.rest_J4[bone], self.offsets_J3[bone]
            if parent < 0:
                base_T4 = np.broadcast_to(rest_4, (frames, 4))
                start_T3 = np.broadcast_to(offset_3, (frames, 3))
            else:
                base_T4 = quat_multiply(world_TJ4[:, parent], rest_4)
                start_T3 = heads_TJ3[:, parent] + quat_rotate(world_TJ4[:, parent], offset_3)
            heads_TJ3[:, bone] = start_T3 + quat_rotate(base_T4, moves_TJ3[:, bone])
            world_TJ4[:, bone] = quat_multiply(base_T4, rotations_TJ4[:, bone])
            tips_TJ3[:, bone] = heads_TJ3[:, bone] + quat_rotate(
                world_TJ4[:, bone], self.tips_J3[bone]
            )
        return np.concatenate([heads_TJ3, tips_TJ3], axis=1)

    @property
    def movers_JP(self) -> BoolArray:
        """Which bones (rows) move which points (columns: heads, then tips). (J, 2 J)."""
        bones = len(self.parents)
        above = np.eye(bones, dtype=np.bool_)
        for bone, parent in enumerate(self.parents):
            if parent >= 0:
                above[:, bone] |= above[:, parent]
        return np.concatenate([above, above], axis=1)
