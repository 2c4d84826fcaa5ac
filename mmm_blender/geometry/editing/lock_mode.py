"""Which keys inside the range of an edit stay."""

from __future__ import annotations

from enum import StrEnum


class LockMode(StrEnum):
    """How keys that stay are chosen; the values are stored in scenes and scripts.

    AUTO: EDITED where MMM made the motion, NONE in other Actions. EDITED: keys that are not as MMM
    wrote them, or that an earlier edit has locked. KEYFRAME: keys of that type, which Blender gives
    to keys set by hand. NONE: none.
    """

    AUTO = "AUTO"
    EDITED = "EDITED"
    KEYFRAME = "KEYFRAME"
    NONE = "NONE"
