"""Every draw() and poll() of the add-on over a sequence with its list, and with nothing kept."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from _bench.figures import Figure, Row, seconds
from _bench.parts import swaying_clip

import mmm_blender
from mmm_blender.blender.addon.ui_state import ui_state
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.history.fingerprint import store_fingerprint
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.history.recipe import Origin, Recipe, SequenceStep
from mmm_blender.blender.preview import overlays, take_lines
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.target import scene_fps
from mmm_blender.blender.sequence.lists import sequence_list
from mmm_blender.blender.sequence.panel import is_changed
from mmm_blender.blender.takes.take_list import TakeFacts, record

SEGMENTS, RECIPE_CHARACTERS = 12, 400_000
_TARGET = 0.3  # ms
_REPEATS = 50


class NoLayout:
    """A layout that costs nothing: what is left is the add-on's own work."""

    def __getattr__(self, _name: str) -> Callable[..., NoLayout]:
        return lambda *_args, **_named: self

    def __setattr__(self, _name: str, _value: object) -> None:
        """Nothing is kept."""


def rows() -> list[Row]:
    """A row for each, in milliseconds; the peer computes everything at every redraw."""
    mmm_blender.register()
    try:
        _long_sequence()
        return [
            *(
                _row(f"draw {name}", lambda each=each: _draw(each))
                for name, each in _ours(bpy.types.Panel, bpy.types.Menu)
            ),
            _row(f"draw {SEGMENTS} lines of prompts", _draw_lines),
            _row("draw range, bones, ghosts and footprints", _draw_over_the_view),
            *(
                _row(f"poll {name}", lambda each=each: each.poll(bpy.context))
                for name, each in _ours(bpy.types.Panel, bpy.types.Menu, bpy.types.Operator)
                if hasattr(each, "poll")
            ),
        ]
    finally:
        mmm_blender.unregister()


def _ours(*kinds: Any) -> list[tuple[str, Any]]:
    """All registered classes of the add-on, however deep they derive, with what they are called."""
    found: dict[str, Any] = {}
    waiting = [each for kind in kinds for each in kind.__subclasses__()]
    while waiting:
        each = waiting.pop()
        waiting += each.__subclasses__()
        if each.__module__.startswith(f"{mmm_blender.__name__}.") and each.is_registered:
            found[f"{each.bl_label} ({each.bl_idname})"] = each
    return sorted(found.items())


def _draw(panel: Any) -> None:
    panel.draw(SimpleNamespace(layout=NoLayout()), bpy.context)


def _draw_lines() -> None:
    for index, line in enumerate(sequence_list(bpy.context).lines):
        is_changed(bpy.context, line, index)


def _draw_over_the_view() -> None:
    take_lines.take_lines(bpy.context, bpy.context.view_layer.objects.active)
    overlays.view_lines(bpy.context)


def _row(what: str, work: Callable[[], object]) -> Row:
    ui_state.live = False
    each_time = 1e3 * seconds(work, _REPEATS)
    ui_state.live = True
    kept = 1e3 * seconds(work, _REPEATS)
    ui_state.live = False
    return Figure(what, kept, "ms", "computed at every redraw", each_time, _TARGET)


def _long_sequence() -> None:
    """A character with a motion whose recipe is as long as that of many edits."""
    bpy.ops.wm.read_factory_settings(use_empty=True)
    rig, fps = create_character(bpy.context), scene_fps(bpy.context.scene)
    step = SequenceStep(
        prompts=tuple(f"a person walks {number}" for number in range(SEGMENTS)),
        seconds=(1.0,) * SEGMENTS,
        seeds=(0,) * SEGMENTS,
        origin=Origin("none", "", "", {"filling": "x" * RECIPE_CHARACTERS}),
        start_frame=1,
        fps=fps,
        placement={"x": 0.0, "z": 0.0, "yaw": 0.0},
    )
    clip = swaying_clip(round(SEGMENTS * fps)).replace(fps=fps)
    action = write_clip(rig, clip, 1, Recipe((step,)))
    store_fingerprint(rig, action)
    record(rig, bpy.context.scene, [(action, TakeFacts("a person walks", 0, 3.0, 1.0, 2.0))])
    bpy.ops.mmm.sequence_load()
