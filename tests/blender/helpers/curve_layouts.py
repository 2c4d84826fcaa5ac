"""Actions with keys of every kind, drawn for the tests of what an edit must leave alone."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import Phase, settings
from hypothesis import strategies as st

from mmm_blender.blender.bpy_types import Action, ArmatureObject, FCurve, bpy
from mmm_blender.blender.fcurves.keyframe_arrays import (
    KEY_DTYPE,
    KeyArray,
    read_keys,
    write_keys,
)
from mmm_blender.blender.fcurves.layered_actions import (
    HAS_SLOTS,
    bone_path,
    curve_store,
    enum_value,
)
from mmm_blender.blender.history.new_action import write_clip
from mmm_blender.geometry.rotation_modes import EULER_PROPERTY, PROPERTY
from tests.blender.helpers.rigs import wild_clip

INTERPOLATIONS = (
    "CONSTANT", "LINEAR", "BEZIER", "SINE", "QUAD", "CUBIC", "EXPO", "BACK", "BOUNCE", "ELASTIC",
)  # fmt: skip
EASINGS = ("AUTO", "EASE_IN", "EASE_OUT", "EASE_IN_OUT")
HANDLES = ("FREE", "ALIGNED", "VECTOR", "AUTO", "AUTO_CLAMPED")
TYPES = ("KEYFRAME", "BREAKDOWN", "EXTREME", "GENERATED")
BONES = ("pelvis", "left_elbow")
BYSTANDER = "head"
"""A bone with keys that no test edits."""

EXAMPLES = int(os.environ.get("MMM_CURVE_EXAMPLES", "40"))
drawn = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 40,
    phases=[Phase.explicit, Phase.generate],
)
"""How tests draw. The same examples each time; a failure is not shrunk, which would keep Blender
busy for minutes."""

_SETTLING = 40
"""Updates after which a curve's handles have come to rest, if they ever do."""


@dataclass(frozen=True)
class Layout:
    """One Action to be. kinds: of each curve's frames, in turn. handles: the types that occur."""

    seed: int
    mode: str
    kinds: tuple[str, ...]
    handles: tuple[str, ...]
    smoothing: str


layouts = st.builds(
    Layout,
    seed=st.integers(0, 2**32 - 1),
    mode=st.sampled_from(["QUATERNION", "QUATERNION", "AXIS_ANGLE", "XYZ", "YZX"]),
    kinds=st.lists(
        st.sampled_from(["dense", "sparse", "sparse", "fractional", "one", "none"]),
        min_size=1,
        max_size=5,
    ).map(tuple),
    handles=st.lists(st.sampled_from(HANDLES), min_size=1, max_size=5).map(tuple),
    smoothing=st.sampled_from(["NONE", "CONT_ACCEL"]),
)


def new_store(rig: ArmatureObject, name: str = "Drawn") -> Any:
    """A new Action, assigned to the rig: what has its curves and groups."""
    action = bpy.data.actions.new(name)
    data = rig.animation_data or rig.animation_data_create()
    data.action = action
    if not HAS_SLOTS:
        action.id_root = "OBJECT"
        return action
    slot = action.slots.new(id_type="OBJECT", name=rig.name)
    data.action_slot = slot
    return action.layers.new("Layer").strips.new(type="KEYFRAME").channelbag(slot, ensure=True)


def draw_action(rig: ArmatureObject, layout: Layout) -> Action:
    """The Action of a layout, assigned; its handles are at rest, so that Blender's ``update``
    changes nothing."""
    rng = np.random.default_rng(layout.seed)
    store = new_store(rig)
    properties = [(bone, rotation_property(layout.mode)) for bone in (*BONES, BYSTANDER)]
    drawn = 0
    for bone, name in [*properties, (BONES[0], "location")]:
        rig.pose.bones[bone].rotation_mode = layout.mode
        for index in range(len(getattr(rig.pose.bones[bone], name))):
            frames = draw_frames(rng, layout.kinds[drawn % len(layout.kinds)])
            drawn += 1
            if len(frames):
                curve = store.fcurves.new(bone_path(bone, name), index=index)
                curve.auto_smoothing = layout.smoothing
                write_keys(curve, draw_keys(rng, frames, layout.handles))
                settle(curve)
    return rig.animation_data.action


def rotation_property(mode: str) -> str:
    return PROPERTY.get(mode, EULER_PROPERTY)


def draw_frames(rng: np.random.Generator, kind: str) -> Sequence[float]:
    if kind == "none":
        return []
    if kind == "one":
        return [float(rng.integers(-5, 40))]
    if kind == "dense":
        return list(np.arange(*np.sort(rng.choice(45, 2, replace=False)) - 5))
    steps = 4 if kind == "fractional" else 1
    return list(np.sort(rng.choice(45 * steps, rng.integers(2, 12), replace=False)) / steps - 5)


def draw_keys(
    rng: np.random.Generator, frames: Sequence[float], handles: Sequence[str]
) -> KeyArray:
    """Keys with everything at random; a third of the handles reach past the next key."""
    at = np.asarray(frames, dtype=np.float32)
    keys = np.zeros(len(at), dtype=KEY_DTYPE)
    keys["co"] = np.stack([at, rng.normal(size=len(at))], axis=-1)
    reach = np.stack([rng.uniform(0.1, 9.0, len(at)), rng.normal(size=len(at))], axis=-1)
    keys["handle_left"], keys["handle_right"] = keys["co"] - reach, keys["co"] + reach[::-1]
    for name, items in (
        ("handle_left_type", tuple(handles)),
        ("handle_right_type", tuple(handles)),
        ("interpolation", INTERPOLATIONS),
        ("easing", EASINGS),
        ("type", TYPES),
    ):
        keys[name] = rng.choice([enum_value(name, item) for item in items], len(at))
    for name in ("back", "amplitude", "period"):
        keys[name] = rng.uniform(0.0, 2.0, len(at))
    for name in ("select_control_point", "select_left_handle", "select_right_handle"):
        keys[name] = rng.random(len(at)) < 0.5
    return keys


def settle(curve: FCurve) -> None:
    """Update until nothing moves: Blender rounds ALIGNED handles each time, once a curve has
    two keys. Keys that never come to rest become FREE."""
    keys = read_keys(curve)
    moving = np.full(len(keys), len(keys) == 1)
    for _ in range(_SETTLING if len(keys) > 1 else 0):
        curve.update()
        moving = read_keys(curve) != keys
        keys = read_keys(curve)
        if not moving.any():
            return
    for name in ("handle_left_type", "handle_right_type"):
        keys[name][moving] = enum_value(name, "FREE")
    write_keys(curve, keys)
    if moving.any() and len(keys) > 1:
        settle(curve)


def store_of(rig: ArmatureObject, action: Action) -> Any:
    store = curve_store(rig, action)
    assert store is not None
    return store


def generated(rig: ArmatureObject, frames: int = 40) -> Action:
    """Frames 1 to 40, keyed as Generate does."""
    return write_clip(rig, wild_clip(frames), 1)
