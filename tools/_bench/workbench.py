"""Takes, loops and fewer keys, as an animator waits for them."""

from __future__ import annotations

import gc
from pathlib import Path

from _bench.figures import Figure, Row, Skipped, seconds, seconds_once
from _bench.parts import swaying_clip

import mmm_blender
from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.fcurves.layered_actions import rig_curves
from mmm_blender.blender.history.new_action import make_action, write_clip
from mmm_blender.blender.rig.armature import create_character
from mmm_blender.blender.rig.target import scene_fps
from mmm_blender.blender.simplify.task import simplify_keys
from mmm_blender.blender.takes import take_list
from mmm_blender.geometry.simplify.simplify import Tolerance

FRAMES = 600
TAKES, TAKE_SECONDS = 8, 4.0
_TOLERANCE = Tolerance(0.01, 0.09)  # 10 mm, 5 degrees
_FLIP_TARGET = 50.0  # ms
_SIMPLIFY_TARGET, _TAKES_TARGET, _LOOP_TARGET = 0.5, 2.0, 1.0  # s
_REPEATS = 3


def rows() -> list[Row]:
    """What needs no weights."""
    mmm_blender.register()
    try:
        return [_simplifying(), _flipping()]
    finally:
        mmm_blender.unregister()


def model_rows(bundle: Path) -> list[Row]:
    """What the weights make, by a worker that holds them already."""
    if not (bundle / "config.json").is_file():
        return [Skipped(f"takes and loops with {bundle.name}", f"no bundle in {bundle}")]
    mmm_blender.register()
    try:
        return [_takes(bundle), _looping(bundle)]
    finally:
        mmm_blender.unregister()


def _character() -> ArmatureObject:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    gc.collect()
    return create_character(bpy.context)


def _simplifying() -> Row:
    """Every joint sways at a rate of its own: more keys than a person's motion needs. The peer is
    Blender's own decimation to as many keys, which knows no joints."""
    rig = _character()
    clip = swaying_clip(FRAMES).replace(fps=scene_fps(bpy.context.scene))

    def work() -> None:
        write_clip(rig, clip, 1)
        simplify_keys(bpy.context, rig, _TOLERANCE)

    took = seconds(work, _REPEATS) - seconds(lambda: write_clip(rig, clip, 1), _REPEATS)
    left = sum(len(c.keyframe_points) for c in rig_curves(rig, rig.animation_data.action))
    write_clip(rig, clip, 1)
    keys = sum(len(c.keyframe_points) for c in rig_curves(rig, rig.animation_data.action))
    peer = seconds_once(lambda: _decimate(1.0 - left / keys))
    what = f"simplify keys, {FRAMES} frames x 22 bones, 10 mm"
    return Figure(what, took, "s", "Blender's Decimate, no tolerance", peer, _SIMPLIFY_TARGET)


def _decimate(share: float) -> None:
    window = bpy.context.window
    area = next(each for each in window.screen.areas if each.type == "DOPESHEET_EDITOR")
    area.ui_type = "FCURVES"
    region = next(each for each in area.regions if each.type == "WINDOW")
    with bpy.context.temp_override(window=window, area=area, region=region):
        if bpy.ops.graph.select_all.poll():
            bpy.ops.graph.select_all(action="SELECT")
            bpy.ops.graph.decimate(mode="RATIO", factor=max(0.0, min(1.0, share)))


def _flipping() -> Row:
    """From a click on a row to the evaluated pose; the peer gives the Action by hand."""
    rig = _character()
    clip = swaying_clip(FRAMES).replace(fps=scene_fps(bpy.context.scene))
    actions = [write_clip(rig, clip, 1), make_action(rig, clip, 1)]
    facts = [take_list.TakeFacts("a person sways", seed) for seed in range(len(actions))]
    take_list.record(rig, bpy.context.scene, list(zip(actions, facts, strict=True)))
    found = take_list.listed_takes(rig)
    assert found is not None

    def flip() -> None:
        found.active = 1 - found.active
        bpy.context.view_layer.update()

    def by_hand() -> None:
        now = rig.animation_data.action
        rig.animation_data.action = actions[1] if now == actions[0] else actions[0]
        bpy.context.view_layer.update()

    what = f"flip to another take of {FRAMES} frames"
    return Figure(what, 1e3 * seconds(flip), "ms", "by hand", 1e3 * seconds(by_hand), _FLIP_TARGET)


def _takes(bundle: Path) -> Row:
    def press(count: int) -> None:
        _character()
        bpy.data.objects.remove(bpy.context.view_layer.objects.active)
        bpy.ops.mmm.generate(
            prompt="a person walks forward", seconds=TAKE_SECONDS, takes=count, bundle=str(bundle)
        )

    what = f"{TAKES} takes of {TAKE_SECONDS:g} s, warm, click to keys"
    took = seconds(lambda: press(TAKES), _REPEATS)
    one = seconds(lambda: press(1), _REPEATS)
    return Figure(what, took, "s", f"{TAKES} x one take", TAKES * one, _TAKES_TARGET)


def _looping(bundle: Path) -> Row:
    _character()
    prompt = "a person walks forward"
    bpy.ops.mmm.generate(prompt=prompt, seconds=TAKE_SECONDS, takes=1, bundle=str(bundle))

    def loop() -> None:
        bpy.ops.mmm.make_loop(bundle=str(bundle))
        bpy.ops.mmm.discard_take()

    one = seconds(
        lambda: bpy.ops.mmm.generate(
            prompt=prompt, seconds=TAKE_SECONDS, takes=1, start_from="FREE", bundle=str(bundle)
        ),
        _REPEATS,
    )
    what = f"loop of {TAKE_SECONDS:g} s, warm, click to keys"
    return Figure(what, seconds(loop, _REPEATS), "s", "a new motion", one, _LOOP_TARGET)
