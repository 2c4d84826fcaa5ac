"""The same walk on three rigs, as a picture: their own evaluated bones from the side and the front.

Shape suffixes: T moments, B bones, 3 metres in model space.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mmm_blender.blender.bpy_types import ArmatureObject, bpy
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.blender.rig.binding import binding_of
from mmm_blender.blender.rig.evaluation import evaluated
from mmm_blender.blender.rig.pose_reading import pose_reading
from mmm_blender.common.arrays import FloatArray
from mmm_blender.geometry.clip import MotionClip
from mmm_blender.geometry.retarget.presets import presets

from .blender_rigs import build_armature, rigify_human
from .skeletons import Build, Style, bones_of_preset

_MOMENTS = 6
_COLOURS = {"left": "#2a6fb0", "right": "#c4473a", "": "#444444"}
_STEP = 0.75  # metres between two figures seen from the front


def draw_rigs(path: Path, clip: MotionClip) -> None:
    """Write the picture."""
    from matplotlib.figure import Figure  # noqa: PLC0415  # a development dependency

    figure = Figure(figsize=(12.0, 8.4), dpi=90, layout="tight")
    axes = figure.subplots(3, 2, width_ratios=(1.0, 1.5))
    for number, (title, make) in enumerate(_rigs()):
        bpy.ops.wm.read_factory_settings(use_empty=True)
        rig = make()
        write_clip(rig, clip, 1)
        bones = _bones(rig, np.linspace(1, min(clip.frames, 100), _MOMENTS).astype(int).tolist())
        _draw(axes[number][0], bones, 2, title)
        _draw(axes[number][1], bones, 0, "")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)


def _rigs() -> list[tuple[str, Any]]:
    known = {preset.name: preset for preset in presets()}

    def built(name: str, build: Build, style: Style) -> Any:
        return lambda: build_armature(name, bones_of_preset(known[name], build), style)

    mixamo = Build(arms_down=50.0, elbows=15.0, legs=1.1)
    unreal = Build(arms_down=70.0, spread=6.0, trunk=0.95)
    return [
        ("Rigify, generated human", _rigify_in_fk),
        ("Mixamo, arms 50 degrees down", built("Mixamo", mixamo, Style(up="Y", scale=0.01))),
        ("Unreal 5, arms 70 degrees down", built("Unreal 5", unreal, Style())),
    ]


def _rigify_in_fk() -> ArmatureObject:
    rig = rigify_human()
    for limb in binding_of(rig).rig_map.limbs:
        rig.pose.bones[limb.switch_bone][limb.switch] = limb.fk
    return rig


def _bones(rig: ArmatureObject, frames: list[int]) -> dict[str, FloatArray]:
    """Heads and tails of the bones that stand for joints, (T, 2, 3), by slot and number."""
    reading, read = pose_reading(rig), binding_of(rig).rig_map.read
    names = {f"{slot} {at}": bone for slot, chain in read.items() for at, bone in enumerate(chain)}
    ends: dict[str, list[Any]] = {slot: [] for slot in names}
    for frame in frames:
        bpy.context.scene.frame_set(frame)
        posed = evaluated(rig).pose.bones
        for slot, name in names.items():
            ends[slot].append([posed[name].head[:], posed[name].tail[:]])
    return {slot: reading.to_model_points(np.array(each)) for slot, each in ends.items()}


def _draw(axes: Any, bones: dict[str, FloatArray], across: int, title: str) -> None:
    """One row of figures: from the side where they are, from the front beside each other."""
    for slot, ends_T23 in bones.items():
        side = next((each for each in ("left", "right") if slot.startswith(each)), "")
        for moment, ends in enumerate(ends_T23):
            shift = 0.0 if across == 2 else moment * _STEP - float(bones["pelvis 0"][moment, 0, 0])
            x = ends[:, across] + shift
            axes.plot(x, ends[:, 1], color=_COLOURS[side], linewidth=1.6)
            axes.plot(x[:1], ends[:1, 1], "o", color=_COLOURS[side], markersize=2.2)
    axes.axhline(0.0, color="#999999", linewidth=0.8)
    axes.set_aspect("equal")
    axes.set_ylim(-0.1, 1.95)
    axes.set_axis_off()
    if title:
        axes.set_title(title, loc="left", fontsize=11)
