"""The scene's last frame after a motion was keyed, as the person wants it."""

from __future__ import annotations

from ..bpy_types import Scene

EXTEND, FIT, KEEP = "EXTEND", "FIT", "KEEP"
"""Choices of the property ``scene.mmm.scene_end``."""


def follow_motion(scene: Scene, written: int, last: int | None = None) -> None:
    """Have the scene end as its setting says. written: last frame that was just keyed; last: of all
    of the motion, where that is another one.

    A scene without the setting (the add-on is only a package on the path) is extended.
    """
    choice = str(getattr(getattr(scene, "mmm", None), "scene_end", EXTEND))
    if choice == FIT:
        scene.frame_end = max(scene.frame_start, written if last is None else last)
    elif choice == EXTEND:
        scene.frame_end = max(scene.frame_end, written)
