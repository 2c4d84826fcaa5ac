"""Every draw() and poll() of the add-on over a sequence with its list, and with nothing kept."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

from _bench.figures import Figure, Row, seconds
from _bench.parts import swaying_clip

import mmm_blender
from mmm_blender.blender.addon.device_panel import DevicePanel
from mmm_blender.blender.addon.ui_state import ui_state
from mmm_blender.blender.bpy_types import bpy
from mmm_blender.blender.character.panel import CharacterPanel
from mmm_blender.blender.edit.operators import InBetween, RegenerateRange
from mmm_blender.blender.edit.panel import EditPanel
from mmm_blender.blender.generate.operators import GenerateMotion
from mmm_blender.blender.generate.panel import BundlesMenu, ExamplesMenu, MotionPanel
from mmm_blender.blender.history.fingerprint import store_fingerprint
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.history.recipe import Origin, Recipe, SequenceStep
from mmm_blender.blender.replay.operators import Replay
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.target import scene_fps
from mmm_blender.blender.sequence.operators import (
    GenerateSequence,
    LoadSequence,
    RegenerateSegment,
)
from mmm_blender.blender.sequence.panel import SequencePanel, is_changed

SEGMENTS, RECIPE_CHARACTERS = 12, 400_000
_TARGET = 0.3  # ms
_REPEATS = 50
_PANELS = (
    *(MotionPanel, EditPanel, SequencePanel, CharacterPanel, DevicePanel),
    *(BundlesMenu, ExamplesMenu),
)
_OPERATORS = (
    *(GenerateMotion, RegenerateRange, InBetween, Replay),
    *(GenerateSequence, RegenerateSegment, LoadSequence),
)


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
                _row(f"draw {panel.bl_label}", lambda panel=panel: _draw(panel))
                for panel in _PANELS
            ),
            _row(f"draw {SEGMENTS} lines of prompts", _draw_lines),
            *(
                _row(f"poll {each.bl_label}", lambda each=each: each.poll(bpy.context))
                for each in _OPERATORS
            ),
        ]
    finally:
        mmm_blender.unregister()


def _draw(panel: type) -> None:
    panel.draw(SimpleNamespace(layout=NoLayout()), bpy.context)


def _draw_lines() -> None:
    for index, line in enumerate(bpy.context.scene.mmm_sequence.lines):
        is_changed(bpy.context, line, index)


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
    bpy.ops.mmm.sequence_load()
