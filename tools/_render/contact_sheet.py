"""A contact sheet: one lane a motion, the body at several moments side by side.

Blender axes throughout: metres, Z up, a character of heading 0 faces -Y.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from _render.scenery import Sun, add_ground, add_object, add_sun, new_material, sky_background

from mmm_blender.blender.bpy_types import (
    Action,
    ArmatureObject,
    Material,
    Mesh,
    Object,
    Scene,
    bpy,
)
from mmm_blender.blender.fcurves.layered_actions import assign_action
from mmm_blender.blender.rig.motion_reader import current_placement
from mmm_blender.blender.rig.target import scene_fps
from mmm_blender.common.errors import MMMError

MOMENTS = 8
"""Bodies a lane."""

_SPACING = 1.12  # metres between two bodies of a lane
_LANE_HEIGHT = 2.72  # metres of picture, from one lane to the next
_MARGIN = 0.16  # metres of picture at the left and the right
_FIRST_FLOOR = 0.48  # metres of picture below the lowest lane's floor
_TITLE_RISE = 2.10  # metres of picture from a lane's floor to the foot of its title
_TIME_DROP = 0.33  # metres of picture from a lane's floor down to the moments' times

_CAMERA_TILT = math.radians(14.0)  # looks down by so much: feet and floor are seen apart
_TURN = math.radians(38.0)  # bodies face the camera's right: profile and chest in one view
_CAMERA_DISTANCE = 60.0  # metres; a parallel projection does not care
_LETTERS_AHEAD = 20.0  # metres in front of everything
_SHORT_WALK = 0.4  # metres: who goes less far stands, and no distances are shown

_PAPER = (0.90, 0.90, 0.90)  # with the light below it is just white where no shadow falls
_PAPER_GLOW = 0.2
_GROUND_BEHIND, _GROUND_AHEAD, _GROUND_ASIDE = 1.9, 0.6, 1.0  # metres around a lane's bodies
_SUN = Sun(2.6, math.radians(9.0), (math.radians(34.0), math.radians(-20.0), 0.0))
_SKY_STRENGTH = 0.6
_SKY_LOOK = 1.2  # over 1: white without a trace of noise, which also packs well


@dataclass(frozen=True)
class Quality:
    """width: pixels. samples: a pixel, before the noise is taken out."""

    width: int = 1120
    samples: int = 6


@dataclass(frozen=True)
class _Font:
    """size: height of the letters, metres of picture. ink: linear RGB. align: of Blender's text."""

    size: float
    ink: tuple[float, float, float]
    align: str


_BOLDER = 0.012
"""Of a letter's height: the font's thin strokes would get lost between a small picture's pixels."""

_TITLE = _Font(0.19, (0.015, 0.02, 0.03), "LEFT")
_TIME = _Font(0.13, (0.10, 0.12, 0.15), "CENTER")


@dataclass(frozen=True)
class Strip:
    """One lane: what stands above it, and the Action that it shows."""

    title: str
    action: Action


@dataclass(frozen=True, eq=False)
class Moment:
    """A body at a moment. ground_2: where its pelvis is, x and y in metres; seconds: from the
    Action's first frame; metres: how far it has gone, in a straight line."""

    mesh: Mesh
    ground_2: tuple[float, float]
    seconds: float
    metres: float


def contact_sheet(
    rig: ArmatureObject,
    strips: Sequence[Strip],
    path: Path,
    moments: int = MOMENTS,
    quality: Quality = Quality(),
) -> None:
    """Render the body of ``rig`` at ``moments`` moments of each Action to a PNG file.

    The scene is left as it was, with the rig's own Action.
    """
    with _studio() as scene:
        with _frame_kept(rig):
            lanes = [body_moments(rig, strip.action, moments) for strip in strips]
        for lane, (strip, bodies) in enumerate(zip(strips, lanes, strict=True)):
            _build_lane(scene, strip.title, bodies, _lane_floor(len(strips) - 1 - lane))
        _light(scene)
        _frame(scene, moments, len(strips), quality)
        _render(scene, path)


def body_moments(rig: ArmatureObject, action: Action, moments: int) -> list[Moment]:
    """The skinned body at evenly spaced frames of an Action, the first and the last included."""
    assign_action(rig, action)
    scene = bpy.context.scene
    skins = [child for child in rig.children if child.type == "MESH"]
    if not skins:
        raise MMMError(f"'{rig.name}' has no body to show: add one with Add Character.")
    first, last = action.frame_range
    start = None
    found: list[Moment] = []
    for frame in np.linspace(first, last, moments).round():
        scene.frame_set(int(frame))
        place = current_placement(rig)
        here = (place.x, -place.z)
        start = start or here
        found.append(
            Moment(
                _evaluated_mesh(skins[0]),
                here,
                float(frame - first) / scene_fps(scene),
                math.dist(start, here),
            )
        )
    return found


def _evaluated_mesh(skin: Object) -> Mesh:
    """A copy of the mesh as the armature deforms it now."""
    graph = bpy.context.evaluated_depsgraph_get()
    return bpy.data.meshes.new_from_object(skin.evaluated_get(graph), depsgraph=graph)


@contextmanager
def _frame_kept(rig: ArmatureObject) -> Generator[None, None, None]:
    """Give the rig its Action and the scene its frame back."""
    scene, action = bpy.context.scene, rig.animation_data and rig.animation_data.action
    frame = scene.frame_current
    try:
        yield
    finally:
        if action is not None:
            assign_action(rig, action)
        scene.frame_set(frame)


@contextmanager
def _studio() -> Generator[Scene, None, None]:
    """A scene of its own, with all that was made for it gone afterwards."""
    kinds = ("scenes", "objects", "meshes", "curves", "materials", "worlds", "lights", "cameras")
    before = {kind: set(getattr(bpy.data, kind)) for kind in kinds}
    scene = bpy.data.scenes.new("MMM contact sheet")
    try:
        yield scene
    finally:
        for kind in kinds:
            blocks = getattr(bpy.data, kind)
            for block in set(blocks) - before[kind]:
                blocks.remove(block)


def _lane_floor(lanes_below: int) -> float:
    """How high a lane's floor lies in the picture, metres from the lower edge."""
    return _FIRST_FLOOR + lanes_below * _LANE_HEIGHT


def _on_ground(x: float, height: float) -> tuple[float, float, float]:
    """The point of the ground (z = 0) that is seen ``height`` metres up in the picture."""
    return (x, height / math.sin(_CAMERA_TILT), 0.0)


def _on_glass(x: float, height: float) -> tuple[float, float, float]:
    """The point in front of everything that is seen there (see ``_on_ground``)."""
    x, y, z = _on_ground(x, height)
    towards_camera = (-math.cos(_CAMERA_TILT), math.sin(_CAMERA_TILT))
    ahead = y * math.cos(_CAMERA_TILT) + _LETTERS_AHEAD
    return (x, y + ahead * towards_camera[0], z + ahead * towards_camera[1])


def _build_lane(scene: Scene, title: str, bodies: Sequence[Moment], floor: float) -> None:
    width = len(bodies) * _SPACING
    _add_paper(scene, width, floor)
    _add_text(scene, title, _on_glass(0.05, floor + _TITLE_RISE), _TITLE)
    walks = max(body.metres for body in bodies) > _SHORT_WALK
    for place, body in enumerate(bodies):
        x = (place + 0.5) * _SPACING
        _add_body(scene, body, _on_ground(x, floor))
        text = f"{body.seconds:.1f} s" + (f"  {body.metres:.1f} m" if walks else "")
        _add_text(scene, text, _on_glass(x, floor - _TIME_DROP), _TIME)


def _add_body(scene: Scene, body: Moment, place: tuple[float, float, float]) -> None:
    """Put a body where it is to be seen, turned, with its pelvis above ``place``."""
    figure = add_object(scene, "Body", body.mesh)
    x, y = body.ground_2
    cos, sin = math.cos(_TURN), math.sin(_TURN)
    figure.rotation_euler.z = _TURN
    figure.location = (place[0] - (cos * x - sin * y), place[1] - (sin * x + cos * y), place[2])


def _add_paper(scene: Scene, width: float, floor: float) -> None:
    """The ground that a lane's shadows fall on; elsewhere the sky is as white as the paper."""
    _, y, _ = _on_ground(0.0, floor)
    near_left = (-_GROUND_ASIDE, y - _GROUND_AHEAD)
    add_ground(scene, near_left, (width + _GROUND_ASIDE, y + _GROUND_BEHIND), _paper())


def _paper() -> Material:
    material, _, shader = new_material("Paper")
    shader["Base Color"].default_value = (*_PAPER, 1.0)
    shader["Specular IOR Level"].default_value = 0.0
    shader["Emission Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    shader["Emission Strength"].default_value = _PAPER_GLOW
    return material


def _ink(colour: tuple[float, float, float]) -> Material:
    """A material that has its colour in any light."""
    material, tree, _ = new_material("Ink")
    glow = tree.nodes.new("ShaderNodeEmission")
    glow.inputs["Color"].default_value = (*colour, 1.0)
    tree.links.new(glow.outputs["Emission"], tree.nodes["Material Output"].inputs["Surface"])
    return material


def _add_text(scene: Scene, text: str, place: tuple[float, float, float], font: _Font) -> None:
    """Letters that face the camera and cast no shadow."""
    curve = bpy.data.curves.new("Letters", "FONT")
    curve.body, curve.size, curve.align_x = text, font.size, font.align
    curve.offset = _BOLDER * font.size
    curve.materials.append(_ink(font.ink))
    letters = add_object(scene, "Letters", curve)
    letters.location = place
    letters.rotation_euler.x = math.pi / 2 - _CAMERA_TILT
    letters.visible_shadow = letters.visible_diffuse = False


def _light(scene: Scene) -> None:
    """A soft sun, and a sky that is white to look at but lights less."""
    add_sun(scene, _SUN)
    tree, sky = sky_background(scene)
    sky["Color"].default_value = (1.0, 1.0, 1.0, 1.0)
    strength = tree.nodes.new("ShaderNodeMapRange")
    strength.inputs["To Min"].default_value = _SKY_STRENGTH
    strength.inputs["To Max"].default_value = _SKY_LOOK
    seen = tree.nodes.new("ShaderNodeLightPath").outputs["Is Camera Ray"]
    tree.links.new(seen, strength.inputs["Value"])
    tree.links.new(strength.outputs["Result"], sky["Strength"])


def _frame(scene: Scene, moments: int, lanes: int, quality: Quality) -> None:
    """Camera and size of the picture."""
    width = moments * _SPACING + 2 * _MARGIN
    height = lanes * _LANE_HEIGHT + _FIRST_FLOOR - _TIME_DROP
    depth = height / math.sin(_CAMERA_TILT)
    camera = bpy.data.cameras.new("Camera")
    camera.type, camera.ortho_scale = "ORTHO", max(width, height)
    camera.clip_end = 2 * _CAMERA_DISTANCE + 2 * depth
    view = add_object(scene, "Camera", camera)
    view.rotation_euler.x = math.pi / 2 - _CAMERA_TILT
    x, y, z = _on_ground(moments * _SPACING / 2, height / 2)
    back, up = math.cos(_CAMERA_TILT), math.sin(_CAMERA_TILT)
    view.location = (x, y - back * _CAMERA_DISTANCE, z + up * _CAMERA_DISTANCE)
    scene.camera = view
    scene.render.resolution_x = quality.width
    scene.render.resolution_y = round(quality.width * height / width)
    _set_cycles(scene, quality)


def _set_cycles(
    scene: Any,  # what an engine adds to a scene is not in the types of bpy
    quality: Quality,
) -> None:
    scene.render.engine = "CYCLES"
    scene.cycles.device = "CPU"
    scene.cycles.samples = quality.samples
    scene.cycles.use_adaptive_sampling = False
    scene.cycles.max_bounces = 2
    scene.cycles.use_denoising = True
    scene.cycles.denoising_input_passes = "RGB"
    scene.cycles.denoising_quality = "FAST"
    scene.view_settings.view_transform = "Standard"


def _leave_out_metadata(scene: Scene) -> None:
    """Blender writes where the file lies, and more, into a picture that may be shown around."""
    for setting in scene.render.bl_rna.properties:
        if setting.identifier.startswith("use_stamp") and not setting.is_readonly:
            setattr(scene.render, setting.identifier, False)


def _render(scene: Scene, path: Path) -> None:
    image = scene.render.image_settings
    image.file_format, image.color_mode, image.compression = "PNG", "RGB", 100
    scene.render.filepath = str(path)
    _leave_out_metadata(scene)
    with _quiet():
        bpy.ops.render.render(write_still=True, scene=scene.name)


@contextmanager
def _quiet() -> Generator[None, None, None]:
    """Cycles tells of every object that it synchronises, past Python's own output."""
    sys.stdout.flush()
    kept, nothing = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nothing)
