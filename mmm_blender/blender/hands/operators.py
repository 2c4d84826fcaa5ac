"""Pose Hands as a button."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from ...common.errors import MMMError
from ..addon.change_operator import ChangeOperator
from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import Context, bpy
from ..rig.rig_options import HAND_FRAMES, HAND_SIDES
from ..rig.target import armature_of
from ..widgets import can_run
from .task import hands_poll_error, pose_hands

POSES = (
    ("RELAXED", "Relaxed", "Fingers a little bent, as a hand hangs"),
    ("FIST", "Fist", "Fingers closed, the thumb over them"),
    ("POINT", "Point", "The index finger straight, the others closed"),
    ("OPEN", "Open", "Fingers straight and a little spread"),
)


class PoseHands(ChangeOperator, bpy.types.Operator):
    """Key the fingers as a pose; nothing else of the character is touched"""

    bl_idname = "mmm.pose_hands"
    bl_label = "Pose Hands"

    pose: bpy.props.EnumProperty(name="Pose", description="How the hand is held", items=POSES)
    side: bpy.props.EnumProperty(name="Hand", description="Which hand is posed", items=HAND_SIDES)
    frames: bpy.props.EnumProperty(
        name="Keys", description="On which frames hands are keyed", items=HAND_FRAMES
    )

    @classmethod
    def description(cls, _context: Context, properties: object) -> str:
        """What the button's own pose is."""
        pose = str(getattr(properties, "pose", ""))
        found = next((text for name, _, text in POSES if name == pose), "")
        return f"{found}; keys the fingers only"

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where there are fingers."""
        return can_run(cls, hands_reason(context))

    def change(self, context: Context) -> str:
        """Key them."""
        rig = armature_of(context.view_layer.objects.active)
        if rig is None:
            raise MMMError(hands_poll_error(None))
        return pose_hands(context, rig, self.pose, self.side, self.frames)


def hands_reason(context: Context) -> str:
    """Why no hands can be posed, in a sentence; else "". A fact of the scene."""
    rig = armature_of(context.view_layer.objects.active)
    name = "" if rig is None else rig.name
    return ui_state.fact(("hands", scene_key(context), name), lambda: hands_poll_error(rig))


register, unregister = bpy.utils.register_classes_factory((PoseHands,))
