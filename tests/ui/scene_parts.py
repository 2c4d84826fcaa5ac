"""What several scenes in a window are made of: source that Blender runs there."""

from __future__ import annotations

WALK_CURVE = """
curve = bpy.data.curves.new("Walk", "CURVE")
curve.dimensions = "3D"
spline = curve.splines.new("BEZIER")
spline.bezier_points.add(2)
for point, co in zip(spline.bezier_points, ((0, 0, 0), (1.5, -2, 0), (0, -4, 0))):
    point.co = co
    point.handle_left_type = point.handle_right_type = "AUTO"
item = bpy.data.objects.new("Walk", curve)
bpy.context.scene.collection.objects.link(item)
path = bpy.context.scene.mmm_path
path.kind, path.line, path.pace, path.speed = "LINE", item, "SPEED", 1.2
"""
"""A bend of four metres, chosen as the path at 1.2 m/s."""

RIGIFY_HUMAN = """
bpy.ops.preferences.addon_enable(module="rigify")
with bpy.context.temp_override(**view()):
    bpy.ops.object.armature_human_metarig_add()
    metarig = bpy.context.object
    bpy.ops.pose.rigify_generate()
human = bpy.context.object
bpy.data.objects.remove(metarig)
bpy.context.view_layer.objects.active = human
human.select_set(True)
"""
"""Rigify's generated human, ``human``, active and selected."""
