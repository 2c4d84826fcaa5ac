"""Regenerate Range and In-between, and where the editors of keys offer them."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from dataclasses import replace
from typing import Any, ClassVar

from ...common.errors import MMMError
from ...geometry.editing.lock_mode import LockMode
from ..actions.editability import edited_armature, part_joints
from ..addon.scene_settings import (
    ACTIVE,
    BODY_PART_ITEMS,
    LOCK_ITEMS,
    SELECTED,
    given_or_scene,
    scene_settings,
)
from ..addon.several_characters import ForCharacters, seed_of
from ..bpy_types import ArmatureObject, Context, Event, bpy
from ..guards import one_sentence
from ..jobs.job_queue import Start, active
from ..jobs.job_widgets import draw_notice
from ..jobs.motion_operator import MotionJobOperator
from ..jobs.session import session
from ..path.operator_properties import PathOperator
from ..rig.target import selected_characters
from ..widgets import as_from_a_button, can_run
from .chosen_range import Source, chosen_range
from .task import EditParams, confirmation, edit_poll_error, poses_range, start_edit

_ANSWERS = ((LockMode.EDITED, "Lock All of Them"), (LockMode.NONE, "Regenerate Them"))
_MENU_WIDTH = 320
"""Pixels for a sentence in a menu, at a scale of 1."""
_FROM_SCENE = ("seed", "body_part", "bundle", "pin_feet", "takes", "claim_tries")


class EditOperator(ForCharacters, PathOperator, MotionJobOperator):
    """What both share: which frames and bones to regenerate, and from what."""

    panel: ClassVar[str] = "edit"

    prompt: bpy.props.StringProperty(
        name="Prompt",
        description="What happens in the range, empty for what fits in; the scene's if not given",
    )
    frame_start: bpy.props.IntProperty(
        name="From",
        description="First frame to regenerate; as the panel says if not given",
    )
    frame_end: bpy.props.IntProperty(
        name="To",
        description="Last frame to regenerate; as the panel says if not given",
    )
    body_part: bpy.props.EnumProperty(
        name="Body Part", description="The scene's if not given", items=BODY_PART_ITEMS
    )
    seed: bpy.props.IntProperty(
        name="Seed", description="Another seed gives another motion; the scene's if not given"
    )

    properties: Any

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, while nothing can be edited."""
        return can_run(cls, edit_poll_error(context))

    def starter(self, context: Context, number: int) -> Start:
        """What begins to read."""
        params = self.params(context)
        params = replace(params, seed=seed_of(params.seed, params.takes, number))
        return lambda context: start_edit(context, params)

    def params(self, context: Context) -> EditParams:
        """What was asked for, here and in the panel."""
        is_set = self.properties.is_property_set
        given = (
            int(getattr(self, name)) if is_set(name) else None
            for name in ("frame_start", "frame_end")
        )
        return EditParams(
            prompt=self.asked_prompt(context),
            range=chosen_range(context, edited_armature(context), *given),
            lock=self._lock(context),
            path=self.path_of_edit(context),
            **given_or_scene(self, context, _FROM_SCENE),
        )

    def asked_prompt(self, context: Context) -> str:
        """The operator's own, or the scene's."""
        is_set = self.properties.is_property_set("prompt")
        return str(self.prompt if is_set else scene_settings(context.scene).edit_prompt).strip()

    def _lock(self, context: Context) -> LockMode:
        """Which poses in the range stay."""
        return LockMode(given_or_scene(self, context, ("hold",))["hold"])


class RegenerateRange(EditOperator, bpy.types.Operator):
    """Regenerate a range of frames of a body part (Inpaint); all other keys stay as they are"""

    bl_idname = "mmm.inpaint"
    bl_label = "Regenerate Range"
    # not REGISTER: a redo panel would run the model again at every change, and freeze the window
    bl_options: ClassVar[set[str]] = {"UNDO"}

    hold: bpy.props.EnumProperty(
        name="Lock",
        description="Which poses in the range stay; the scene's choice if not given",
        items=LOCK_ITEMS,
    )
    sure: bpy.props.BoolProperty(
        name="Sure",
        description="Lock what Lock names, even where most keys differ from what MMM wrote",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def params(self, context: Context) -> EditParams:
        """What was asked for, and whether a confirmation was answered already."""
        return replace(super().params(context), sure=bool(self.sure))

    @one_sentence
    def invoke(self, context: Context, event: Event) -> set[str]:
        """From a button: ask first where there is a confirmation."""
        try:
            question = "" if bpy.app.background else self._question(context)
        except MMMError:
            question = ""  # the start says it
        if not question:
            return super().invoke(context, event)
        context.window_manager.popup_menu(self._draw_answers, title=question, icon="QUESTION")
        return {"CANCELLED"}

    def _several(self, context: Context) -> list[ArmatureObject]:
        """The characters that are meant; none where it is the active one alone."""
        rigs = selected_characters(context) if self.means_all(context) else []
        return rigs if len(rigs) > 1 else []

    def _question(self, context: Context) -> str:
        """The first one that a character asks; the answer is for all of them."""
        rigs = self._several(context)
        for rig in rigs:
            with active(context, rig):
                if found := confirmation(context, self.params(context)):
                    return found
        return "" if rigs else confirmation(context, self.params(context))

    def _draw_answers(self, menu: Any, context: Context) -> None:
        """Either answer is the same press again, with the lock that was chosen."""
        params = self.params(context)
        menu.layout.operator_context = "INVOKE_DEFAULT"
        for lock, text in _ANSWERS:
            answer = menu.layout.operator(self.bl_idname, text=text)
            answer.prompt, answer.seed, answer.bundle = params.prompt, params.seed, params.bundle
            answer.body_part, answer.pin_feet, answer.hold = params.body_part, params.pin_feet, lock
            answer.takes, answer.claim_tries = params.takes, params.claim_tries
            answer.characters = SELECTED if self.means_all(context) else ACTIVE
            if not self._several(context):  # each of several has frames of its own
                answer.frame_start, answer.frame_end = params.range.first, params.range.last
            answer.sure = True
            self.copy_path(answer)


class InBetween(EditOperator, bpy.types.Operator):
    """Fill the range between poses set by hand: keys of the type Keyframe stay"""

    bl_idname = "mmm.in_between"
    bl_label = "In-between"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    def params(self, context: Context) -> EditParams:
        """What was asked for; from the first pose to the last where no frames were chosen."""
        params = replace(super().params(context), between_poses=True)
        if params.range.source is not Source.FIELDS:
            return params
        rig = edited_armature(context)
        return replace(params, range=poses_range(rig, part_joints(params.body_part), params.range))

    def _lock(self, context: Context) -> LockMode:
        return LockMode.KEYFRAME


def draw_menu(self: Any, context: Context) -> None:
    """Entries of the editors' menus of keys; the timeline of Blender 5 has no panel."""
    self.layout.separator()
    with as_from_a_button(self.layout):
        self.layout.operator(RegenerateRange.bl_idname, icon="ARMATURE_DATA")
        self.layout.operator(InBetween.bl_idname, icon="KEYTYPE_KEYFRAME_VEC")
        draw_notice(self.layout, context, session, width=_MENU_WIDTH)


_MENUS = (
    "DOPESHEET_MT_key",
    "DOPESHEET_MT_context_menu",
    "GRAPH_MT_key",
    "GRAPH_MT_context_menu",
)
_CLASSES = (RegenerateRange, InBetween)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def _menus() -> list[Any]:
    """The menus that this Blender has: one that it has renamed goes without our entries."""
    return [getattr(bpy.types, name) for name in _MENUS if hasattr(bpy.types, name)]


def register() -> None:
    """Add the operators and their menu entries."""
    _register()
    for menu in _menus():
        menu.append(draw_menu)


def unregister() -> None:
    """Take them away."""
    for menu in _menus():
        menu.remove(draw_menu)
    _unregister()
