"""Copy, import and export motions; entries in Blender's File menu."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import Any, ClassVar

from ...common.errors import MMMError
from ..addon.choices import absolute_path
from ..addon.shown_target import character_poll_error
from ..bpy_types import ArmatureObject, Context, Event, bpy
from ..guards import one_sentence
from ..rig.target import armature_of, scene_fps, target_armature
from ..widgets import Layout, can_run, redraw, shown
from . import task
from .export_options import ROOTS, ExportOptions

_SAME_RATE = 1e-3
"""Frames per second: Blender keeps 29.97 as 29.969998."""

_NO_CHARACTER = "Select the character that has the motion."


def _character(context: Context) -> ArmatureObject | None:
    """The chosen one; MMMError where the chosen armature is none."""
    return target_armature(context)


def _report(operator: Any, sentence: str) -> set[str]:
    operator.report({"INFO"}, shown(sentence))
    redraw()
    return {"FINISHED"}


def _refuse(operator: Any, error: MMMError) -> set[str]:
    operator.report({"ERROR"}, shown(str(error)))
    return {"CANCELLED"}


class CopyMotion(bpy.types.Operator):
    """Key the motion of the other selected character on the active one"""

    bl_idname = "mmm.copy_motion"
    bl_label = "Copy Motion"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    source: bpy.props.StringProperty(
        name="From", description="Name of the character; the other selected one if not given"
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where there is a character."""
        return can_run(cls, character_poll_error(context, _NO_CHARACTER))

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Read the one, key the other."""
        try:
            target = _character(context)
            assert target is not None  # the poll has seen it
            return _report(self, task.copy_motion(context, self._source(context, target), target))
        except MMMError as error:
            return _refuse(self, error)

    def _source(self, context: Context, target: ArmatureObject) -> ArmatureObject:
        if self.source:
            found = armature_of(bpy.data.objects.get(self.source))
        else:
            others = (armature_of(each) for each in context.selected_objects)
            found = next((rig for rig in others if rig is not None and rig != target), None)
        if found is None:
            raise MMMError("Select the character that has the motion first, then the other one.")
        return found


class ImportMotion(bpy.types.Operator):
    """Bring the motion of a BVH, FBX, GLB or USD file onto the active character, or as a new one"""

    bl_idname = "mmm.import_motion"
    bl_label = "Import Motion"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(
        default="*.bvh;*.fbx;*.glb;*.gltf;*.usd;*.usda;*.usdc", options={"HIDDEN"}
    )
    as_new: bpy.props.BoolProperty(
        name="As New Character", description="Add the file's own armature to the scene"
    )

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the file."""
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Bring it."""
        try:
            target = None if self.as_new else _character(context)
            return _report(self, task.import_motion(context, target, absolute_path(self.filepath)))
        except MMMError as error:
            return _refuse(self, error)


class ExportMotion(bpy.types.Operator):
    """Write the active character with its motion: FBX, GLB, USD, BVH, or arrays (.npz)"""

    bl_idname = "mmm.export_motion"
    bl_label = "Export Motion"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(
        default="*.fbx;*.glb;*.usd;*.usda;*.usdc;*.bvh;*.npz", options={"HIDDEN"}
    )
    t_pose: bpy.props.BoolProperty(
        name="T-Pose First",
        description="A T-pose on the first frame, and the motion from the next one on",
    )
    root: bpy.props.EnumProperty(
        name="Root Motion",
        description="Which bone carries the way over the ground in the file",
        items=ROOTS,
    )
    fps: bpy.props.FloatProperty(
        name="Frame Rate",
        description="Frames per second in the file; 0 for the scene's",
        min=0.0,
        max=1000.0,
        soft_max=120.0,
    )
    limit: bpy.props.BoolProperty(
        name="Limit to Range", description="Export some frames only, not the whole motion"
    )
    frame_start: bpy.props.IntProperty(name="Start", description="First frame", default=1)
    frame_end: bpy.props.IntProperty(name="End", description="Last frame", default=250)

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where there is a character."""
        return can_run(cls, character_poll_error(context, _NO_CHARACTER))

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the name, which says the format."""
        rig = _character(context)
        self.filepath = f"{'motion' if rig is None else rig.name}.fbx"
        scene = context.scene
        self.frame_start, self.frame_end = int(scene.frame_start), int(scene.frame_end)
        self.fps = scene_fps(scene)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Write it."""
        try:
            rig = _character(context)
            assert rig is not None  # the poll has seen it
            path = absolute_path(self.filepath)
            return _report(self, task.export_motion(context, rig, path, self._options(context)))
        except MMMError as error:
            return _refuse(self, error)

    def draw(self, _context: Context) -> None:
        """The options, beside the files."""
        layout: Layout = self.layout
        layout.use_property_split = True
        for name in ("t_pose", "root", "fps", "limit"):
            layout.prop(self, name)
        if self.limit:
            column = layout.column(align=True)
            column.prop(self, "frame_start")
            column.prop(self, "frame_end")

    def _options(self, context: Context) -> ExportOptions:
        is_the_scenes = abs(self.fps - scene_fps(context.scene)) < _SAME_RATE
        return ExportOptions(
            first=self.frame_start if self.limit else None,
            last=self.frame_end if self.limit else None,
            fps=0.0 if is_the_scenes else self.fps,
            root=self.root,
            t_pose=self.t_pose,
        )


def _draw_import(self: Any, _context: Context) -> None:
    self.layout.operator("mmm.import_motion", text="Motion onto Character (.bvh, .fbx, .glb, .usd)")


def _draw_export(self: Any, _context: Context) -> None:
    self.layout.operator("mmm.export_motion", text="Motion of Character (.fbx, .glb, .usd, .bvh)")


_CLASSES = (CopyMotion, ImportMotion, ExportMotion)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add the operators, and the entries of the File menu."""
    _register()
    bpy.types.TOPBAR_MT_file_import.append(_draw_import)
    bpy.types.TOPBAR_MT_file_export.append(_draw_export)


def unregister() -> None:
    """Take them away."""
    bpy.types.TOPBAR_MT_file_export.remove(_draw_export)
    bpy.types.TOPBAR_MT_file_import.remove(_draw_import)
    _unregister()
