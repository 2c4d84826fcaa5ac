"""Edit, propose, load and save the map of a rig; IK that keeps its lengths."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from typing import ClassVar

from ...common.errors import MMMError
from ..actions.editability import editing_poll_error
from ..actions.object_way import way_is_on_object, way_to_bones, way_to_object
from ..addon.choices import absolute_path
from ..bpy_types import ArmatureObject, Context, Event, bpy
from ..fcurves.frame_range import ALL_FRAMES
from ..guards import one_sentence
from ..history.fingerprint import store_fingerprint
from ..history.locked_keys import LockedKeys, user_keys_after
from ..rig.rig_maps import find_rig_map
from ..rig.target import armature_of
from ..widgets import can_run, redraw, shown
from . import map_rows

_NO_RIG = "Select the armature of a character."


def chosen_rig(context: Context) -> ArmatureObject | None:
    """The armature whose map the panel shows: the active one, or the one that deforms it."""
    return armature_of(context.view_layer.objects.active)


class _RigOperator:
    """What they share: an armature that can be changed."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, where there is none."""
        rig = chosen_rig(context)
        reason = _NO_RIG if rig is None else ""
        if rig is not None and rig.library is not None:
            reason = f"'{rig.name}' is linked from another file: make a library override of it."
        return can_run(cls, reason)

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Do it, or say why not."""
        rig = chosen_rig(context)
        assert rig is not None  # the poll has seen it
        try:
            sentence = self.change(rig)
        except MMMError as error:
            self.report({"ERROR"}, shown(str(error)))  # pyright: ignore[reportAttributeAccessIssue]
            return {"CANCELLED"}
        self.report({"INFO"}, shown(sentence))  # pyright: ignore[reportAttributeAccessIssue]
        redraw()
        return {"FINISHED"}

    def change(self, rig: ArmatureObject) -> str:
        """What the operator does; the sentence that says so."""
        raise NotImplementedError


class EditMap(_RigOperator, bpy.types.Operator):
    """Show the map joint by joint, so that other bones can be picked"""

    bl_idname = "mmm.rig_edit"
    bl_label = "Edit Map"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def change(self, rig: ArmatureObject) -> str:
        """Rows of what is recognised, or empty ones."""
        if isinstance(find_rig_map(rig), str):
            map_rows.empty_rows(rig)
            return "Pick a bone for each joint; spine and neck may have several."
        map_rows.edit_map(rig)
        return "Pick other bones where the map is wrong."


class ProposeMap(_RigOperator, bpy.types.Operator):
    """Find legs, arms and head by the shape of the rig, whatever its bones are called"""

    bl_idname = "mmm.rig_propose"
    bl_label = "Propose Map"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def change(self, rig: ArmatureObject) -> str:
        """Rows of the proposal."""
        found = map_rows.propose_map(rig)
        return f"Proposed a map ({found.joints_found} of 22): look at it before you use it."


class ResetMap(_RigOperator, bpy.types.Operator):
    """Forget this map and go by what is recognised"""

    bl_idname = "mmm.rig_reset"
    bl_label = "Reset Map"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def change(self, rig: ArmatureObject) -> str:
        """No rows, no map of its own."""
        map_rows.forget_map(rig)
        return f"'{rig.name}' goes by what is recognised."


class _MapFile(_RigOperator):
    """What loading and saving share."""

    @one_sentence
    def invoke(self, context: Context, _event: Event) -> set[str]:
        """Ask for the file, in the folder of the person's own maps."""
        self.filepath = str(map_rows.maps_folder() / "map.json")
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}


class SaveMap(_MapFile, bpy.types.Operator):
    """Save the map as a small file, to be loaded on another character or given on"""

    bl_idname = "mmm.rig_save"
    bl_label = "Save Map"

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def change(self, rig: ArmatureObject) -> str:
        """Write it."""
        path = absolute_path(self.filepath)
        if not path.name:
            raise MMMError("Choose a name for the map's file.")
        path = path.with_suffix(".json")
        map_rows.save_map(rig, path)
        return f"Saved the map as {path.name}."


class LoadMap(_MapFile, bpy.types.Operator):
    """Load a map that was saved before"""

    bl_idname = "mmm.rig_load"
    bl_label = "Load Map"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    filepath: bpy.props.StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    filter_glob: bpy.props.StringProperty(default="*.json", options={"HIDDEN"})

    def change(self, rig: ArmatureObject) -> str:
        """Read it, if it fits."""
        found = map_rows.load_map(rig, absolute_path(self.filepath))
        return f"Loaded the map {found.label}."


class StiffIK(_RigOperator, bpy.types.Operator):
    """Keep IK limbs at their length, so that IK and FK of the same frame look alike"""

    bl_idname = "mmm.rig_stiff_ik"
    bl_label = "Stop IK from Stretching"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def change(self, rig: ArmatureObject) -> str:
        """Take the stretch of all bones out of IK."""
        stretching = [bone for bone in rig.pose.bones if bone.ik_stretch > 0.0]
        for bone in stretching:
            bone.ik_stretch = 0.0
        return f"{len(stretching)} bones of '{rig.name}' do not stretch in IK any more."


class WayOnObject(_RigOperator, bpy.types.Operator):
    """Have the object carry this motion over the ground, or bring the way back to the bones"""

    bl_idname = "mmm.way_on_object"
    bl_label = "Way on Object"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def change(self, rig: ArmatureObject) -> str:
        """Now this way, now that."""
        action = None if rig.animation_data is None else rig.animation_data.action
        on_object = action is not None and way_is_on_object(rig, action)
        if not on_object and (reason := editing_poll_error(rig, "ALL")):
            raise MMMError(reason)
        assert action is not None  # else there is a reason
        own = user_keys_after(rig, action, ALL_FRAMES, (), LockedKeys({}))
        (way_to_bones if on_object else way_to_object)(rig, action)
        store_fingerprint(rig, action, own)
        if on_object:
            return f"The bones of '{rig.name}' carry the way again."
        return f"The object '{rig.name}' carries the way."


_CLASSES = (EditMap, ProposeMap, ResetMap, SaveMap, LoadMap, StiffIK, WayOnObject)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
