"""What stands in the scene in each picture of the manual: Python that runs inside Blender."""

from __future__ import annotations

from tests.ui.scene_parts import RIGIFY_HUMAN, WALK_CURVE

NEW_FILE = "bpy.ops.wm.read_homefile(use_empty=True, load_ui=True)"
NEW = """
mmm = bpy.context.scene.mmm
mmm.play_takes = False
mmm.scene_end = "FIT"
"""
GENERATE = (
    NEW
    + """
mmm.prompt, mmm.seconds, mmm.seed = {prompt!r}, 3.0, {seed}
bpy.ops.mmm.generate()
"""
)

LOOK = """
from mathutils import Euler, Vector
import math
bpy.context.scene.frame_set({frame})
rig = bpy.context.view_layer.objects.active
bone = rig.pose.bones.get("pelvis") or rig.pose.bones["torso"]
place = rig.matrix_world @ bone.head
space = view()["area"].spaces.active
space.overlay.show_cursor = False
view3d = space.region_3d
turned = Euler((math.radians({tilt}), 0, math.radians({turn})))
view3d.view_perspective, view3d.view_rotation = "PERSP", turned.to_quaternion()
aside = turned.to_matrix() @ Vector(({aside}, 0, 0))
view3d.view_location = Vector((place.x, place.y, {height})) + aside
view3d.view_distance = {distance}
"""
WAVE = """
mmm = bpy.context.scene.mmm
mmm.edit_prompt, mmm.body_part, mmm.edit_start, mmm.edit_end = (
    "a person waves with the left hand", "UPPER", 20, 65)
bpy.ops.mmm.inpaint()
"""
POSES = (
    NEW
    + """
bpy.ops.mmm.add_character()
rig = bpy.context.object
import math
turned = {1: 0, 40: 80}
for frame, degrees in turned.items():
    for bone in rig.pose.bones:
        bone.rotation_mode = "QUATERNION"
        bone.rotation_quaternion = (1, 0, 0, 0)
    for name, sign in (("left_shoulder", 1), ("right_shoulder", -1)):
        half = math.radians(sign * (70 - 1.6 * degrees)) / 2
        rig.pose.bones[name].rotation_quaternion = (math.cos(half), 0, 0, -math.sin(half))
    rig.pose.bones["pelvis"].location = (0, 0, 0)
    for bone in rig.pose.bones:
        bone.keyframe_insert("rotation_quaternion", frame=frame)
    rig.pose.bones["pelvis"].keyframe_insert("location", frame=frame)
mmm = bpy.context.scene.mmm
mmm.edit_prompt, mmm.edit_start, mmm.edit_end = "a person raises both hands", 1, 40
bpy.context.scene.frame_end = 40
bpy.ops.mmm.in_between()
"""
)
CURVE = (
    NEW
    + WALK_CURVE
    + """
bpy.ops.mmm.generate(prompt="a person walks forward", seed=0)
"""
)
PINS = (
    GENERATE.format(prompt="a person stands still", seed=1)
    + """
bpy.context.scene.frame_set(30)
bpy.ops.mmm.pin_add(part="LEFT_HAND", first=10, last=60)
bpy.ops.mmm.pin_add(part="LOOK_AT", first=1, last=72)
pin = bpy.context.object.mmm_pins.pins[0].object
pin.location.z += 0.45
pin.location.y -= 0.25
mmm = bpy.context.scene.mmm
mmm.existing = "REPLACE"
bpy.context.scene.frame_set(1)
bpy.ops.mmm.generate(prompt="a person stands still", seconds=3, seed=1)
"""
)
SEQUENCE = (
    NEW
    + """
for prompt, seconds in (("a person walks forward", 3), ("a person waves with the right hand", 2.5),
                        ("a person turns around", 2.5)):
    bpy.ops.mmm.sequence_add(prompt=prompt, seconds=seconds)
bpy.ops.mmm.generate_sequence()
"""
)
LOOP = (
    GENERATE.format(prompt="a person walks forward", seed=0)
    + """
bpy.ops.mmm.trim_to_contacts()
bpy.ops.mmm.make_loop()
"""
)
SIMPLIFY = (
    GENERATE.format(prompt="a person walks forward", seed=0)
    + """
bpy.ops.mmm.simplify_keys()
with bpy.context.temp_override(**view()):
    bpy.ops.object.mode_set(mode="POSE")
    bpy.ops.pose.select_all(action="DESELECT")
rig = bpy.context.view_layer.objects.active
bone = rig.pose.bones["left_knee"]
(bone if hasattr(bone, "select") else bone.bone).select = True
"""
)
HUMAN = (
    NEW
    + RIGIFY_HUMAN
    + """
bpy.ops.mmm.generate(prompt="a person walks forward", seconds=3, seed=0)
"""
)
HANDS = (
    HUMAN
    + """
bpy.ops.mmm.pose_hands(pose="FIST")
"""
)
COPY = (
    GENERATE.format(prompt="a person walks forward", seed=0)
    + """
first = bpy.context.object
bpy.context.scene.frame_set(1)
bpy.context.scene.cursor.location = (1.2, 0, 0)
bpy.ops.object.select_all(action="DESELECT")
bpy.ops.mmm.add_character()
bpy.context.scene.cursor.location = (0, 0, 0)
second = bpy.context.object
bpy.ops.mmm.copy_motion(source=first.name)
"""
)
UNKNOWN = (
    NEW
    + """
bpy.context.scene.mmm.prompt = "a person plays the violin and wavs"
bpy.context.scene.mmm.seconds = 4
"""
)
WEIGHTS = """
module = "bl_ext.user_default.mmm_blender"
bpy.context.preferences.addons[module].preferences.python_source = "OWN"
area = view()["area"]
area.type = "PREFERENCES"
bpy.context.preferences.active_section = "ADDONS"
bpy.context.window_manager.addon_search = "MMM"
bpy.context.window_manager.addon_filter = "All"
bpy.ops.preferences.addon_expand(module=module)
area.tag_redraw()
"""
BACK = """
module = "bl_ext.user_default.mmm_blender"
bpy.context.preferences.addons[module].preferences.python_source = "CHOSEN"
bpy.context.window_manager.addon_search = ""
"""
