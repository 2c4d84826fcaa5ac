"""What makes a .blend file worth opening: floor, light, sky, and a camera that goes along."""

from __future__ import annotations

import math

from _render.scenery import Sun, add_ground, add_object, add_sun, new_material, sky_background

from mmm_blender.blender.bpy_types import ArmatureObject, Material, Object, Scene, bpy

_FLOOR_SIZE = 60.0  # metres
_TILE = 1.0  # metres
_TILES = ((0.30, 0.32, 0.35, 1.0), (0.25, 0.27, 0.30, 1.0))  # linear RGBA
_SKY = (0.62, 0.70, 0.80, 1.0)
_SKY_STRENGTH = 0.6
_SUN = Sun(4.0, math.radians(6.0), (math.radians(40.0), math.radians(18.0), math.radians(25.0)))
_CAMERA_OFFSET = (3.6, -3.9, 0.55)  # metres from the point above the ground that it follows
_AIM_HEIGHT = 0.95  # metres: about the pelvis of a standing adult
_LENS = 52.0  # millimetres
_RESOLUTION = (1280, 720)


def set_stage(scene: Scene, rig: ArmatureObject) -> None:
    """Put ``rig``, which stands at the origin facing -Y, on a floor in front of a camera."""
    _add_floor(scene)
    _add_light(scene)
    scene.camera = _add_camera(scene, _add_aim(scene, rig))
    scene.render.resolution_x, scene.render.resolution_y = _RESOLUTION
    _look_through_camera()


def _add_floor(scene: Scene) -> None:
    """A floor with tiles of a metre, so that steps can be measured by eye."""
    half = _FLOOR_SIZE / 2
    floor = add_ground(scene, (-half, -half), (half, half), _tiles())
    floor.name, floor.hide_select = "Floor", True


def _tiles() -> Material:
    material, tree, shader = new_material("Floor")
    place = tree.nodes.new("ShaderNodeTexCoord")
    checker = tree.nodes.new("ShaderNodeTexChecker")
    checker.inputs["Scale"].default_value = 1.0 / _TILE
    for name, colour in zip(("Color1", "Color2"), _TILES, strict=True):
        checker.inputs[name].default_value = colour
    shader["Roughness"].default_value = 0.7
    tree.links.new(place.outputs["Object"], checker.inputs["Vector"])
    tree.links.new(checker.outputs["Color"], shader["Base Color"])
    return material


def _add_light(scene: Scene) -> None:
    add_sun(scene, _SUN)
    _, sky = sky_background(scene)
    sky["Color"].default_value = _SKY
    sky["Strength"].default_value = _SKY_STRENGTH


def _add_aim(scene: Scene, rig: ArmatureObject) -> Object:
    """A point that goes over the ground with the pelvis and stays at one height."""
    aim = add_object(scene, "Camera Aim", None)
    aim.empty_display_size = 0.1
    aim.location.z = _AIM_HEIGHT
    follow = aim.constraints.new("COPY_LOCATION")
    follow.target, follow.subtarget = rig, "pelvis"
    follow.use_z = False
    return aim


def _add_camera(scene: Scene, aim: Object) -> Object:
    lens = bpy.data.cameras.new("Camera")
    lens.lens = _LENS
    camera = add_object(scene, "Camera", lens)
    camera.parent = aim
    camera.location = _CAMERA_OFFSET
    look = camera.constraints.new("TRACK_TO")
    look.target, look.track_axis, look.up_axis = aim, "TRACK_NEGATIVE_Z", "UP_Y"
    return camera


def _look_through_camera() -> None:
    """Have every 3D view of the file show what the camera sees, with materials."""
    for screen in bpy.data.screens:
        for area in screen.areas:
            if area.type == "VIEW_3D":
                area.spaces.active.region_3d.view_perspective = "CAMERA"
                area.spaces.active.shading.type = "MATERIAL"
