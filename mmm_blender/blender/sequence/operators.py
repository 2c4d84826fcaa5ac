"""The list of prompts, Generate Sequence, and Regenerate Segment."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

import random
from typing import Any, ClassVar

from ...geometry.editing.lock_mode import LockMode
from ..addon.availability import poll_error
from ..addon.scene_settings import LARGEST_SEED, LOCK_ITEMS, given_or_scene
from ..bpy_types import Context, bpy
from ..guards import one_sentence
from ..jobs.motion_operator import MotionJobOperator
from ..jobs.scene_job import SceneJob
from ..path.operator_properties import PathOperator, StartEndOperator
from ..simplify.option import SimplifyOption
from ..targets.target_params import TargetParams
from ..widgets import can_run
from .lists import changed_list, sequence_list
from .properties import SegmentParams, SequenceLine, chosen_line, params_of, set_line
from .regenerate import segment_poll_error, start_segment, wanted_segment
from .task import SequenceParams, load_from_action, loading_poll_error, start_sequence

_FROM_SCENE = ("bundle", "pin_feet", "takes", "claim_tries")
_LINE_FIELDS = ("prompt", "seconds", "seed")
_EMPTY = "The list of prompts is empty: add one first."


class AddPrompt(bpy.types.Operator):
    """Add a prompt to the list after the active one"""

    bl_idname = "mmm.sequence_add"
    bl_label = "Add Prompt"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    prompt: bpy.props.StringProperty(name="Prompt", description="What the body does")
    seconds: bpy.props.FloatProperty(name="Seconds", description="Length of this part")
    seed: bpy.props.IntProperty(name="Seed", description="Another seed gives another motion")

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """What is not given is a new line's own."""
        line = _insert(changed_list(context))
        for name in _LINE_FIELDS:
            if self.properties.is_property_set(name):
                setattr(line, name, getattr(self, name))
        return {"FINISHED"}


def _insert(found: Any) -> Any:
    """A new line after the active one; it is active then."""
    found.lines.add()
    at = min(int(found.active) + 1, len(found.lines) - 1)
    found.lines.move(len(found.lines) - 1, at)
    found.active = at
    return found.lines[at]


class _LineOperator:
    """An operator about the chosen line."""

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where there is one."""
        return can_run(cls, "" if sequence_list(context).lines else _EMPTY)


class RemovePrompt(_LineOperator, bpy.types.Operator):
    """Remove the active prompt from the list; keys stay as they are"""

    bl_idname = "mmm.sequence_remove"
    bl_label = "Remove Prompt"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """The one that moves up is chosen."""
        found = changed_list(context)
        found.lines.remove(chosen_line(found))
        found.active = max(0, min(int(found.active), len(found.lines) - 1))
        return {"FINISHED"}


class DuplicatePrompt(_LineOperator, bpy.types.Operator):
    """Duplicate the active prompt, after itself"""

    bl_idname = "mmm.sequence_duplicate"
    bl_label = "Duplicate Prompt"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """The copy is chosen."""
        found = changed_list(context)
        params = SegmentParams.of(found.lines[chosen_line(found)])
        set_line(_insert(found), params)
        return {"FINISHED"}


class MovePrompt(bpy.types.Operator):
    """Move the active prompt in the list"""

    bl_idname = "mmm.sequence_move"
    bl_label = "Move Prompt"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    direction: bpy.props.EnumProperty(
        name="Direction",
        description="Which way",
        items=(("UP", "Up", "Earlier"), ("DOWN", "Down", "Later")),
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where there is more than one."""
        several = len(sequence_list(context).lines) > 1
        return can_run(cls, "" if several else "There is nothing to change places with.")

    @classmethod
    def description(cls, _context: Context, properties: Any) -> str:
        """Each arrow's own tooltip."""
        where = "earlier" if properties.direction == "UP" else "later"
        return f"Move the active prompt {where}"

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """At either end it stays."""
        found = changed_list(context)
        at = chosen_line(found)
        to = at + (-1 if self.direction == "UP" else 1)
        if not 0 <= to < len(found.lines):
            return {"CANCELLED"}
        found.lines.move(at, to)
        found.active = to
        return {"FINISHED"}


class NewLineSeed(_LineOperator, bpy.types.Operator):
    """Choose another seed at random for the active prompt, for another motion of it"""

    bl_idname = "mmm.sequence_new_seed"
    bl_label = "New Seed"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """Set it."""
        found = changed_list(context)
        found.lines[chosen_line(found)].seed = random.randint(0, LARGEST_SEED)
        return {"FINISHED"}


class LoadSequence(bpy.types.Operator):
    """Fill the list with the prompts of the character's motion, and mark its segments"""

    bl_idname = "mmm.sequence_load"
    bl_label = "Prompts from Action"
    bl_options: ClassVar[set[str]] = {"UNDO"}

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Only where the Action is a sequence."""
        return can_run(cls, loading_poll_error(context))

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """The list is replaced."""
        load_from_action(context)
        return {"FINISHED"}


class GenerateSequence(
    PathOperator, StartEndOperator, SimplifyOption, MotionJobOperator, bpy.types.Operator
):
    """Generate one motion from all prompts in the list, and key it from the current frame"""

    bl_idname = "mmm.generate_sequence"
    bl_label = "Generate Sequence"
    # not REGISTER: a redo panel would run the model again at every change, and freeze the window
    bl_options: ClassVar[set[str]] = {"UNDO"}
    panel: ClassVar[str] = "sequence"

    segments: bpy.props.CollectionProperty(
        type=SequenceLine,
        name="Segments",
        description="Prompts, seconds and seeds in order; the scene's list if not given",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, while it cannot work."""
        return can_run(cls, poll_error(context))

    def start(self, context: Context) -> SceneJob:
        """Send the list."""
        lines = self.segments or sequence_list(context).lines
        rest = given_or_scene(self, context, _FROM_SCENE)
        rest["tolerance"] = self.wanted_tolerance(context)
        path = self.path_params(context, 0.0)
        rest["targets"] = TargetParams(path, *self.start_and_end(context))
        return start_sequence(context, SequenceParams(params_of(lines), **rest))


class RegenerateSegment(MotionJobOperator, bpy.types.Operator):
    """Regenerate the active prompt's part of the motion; what comes after follows, unchanged"""

    bl_idname = "mmm.regenerate_segment"
    bl_label = "Regenerate Segment"
    bl_options: ClassVar[set[str]] = {"UNDO"}
    panel: ClassVar[str] = "sequence"

    index: bpy.props.IntProperty(
        name="Segment", description="Which one, from 0; the one chosen in the list if not given"
    )
    prompt: bpy.props.StringProperty(
        name="Prompt", description="What the body does; the list's prompt if not given"
    )
    seconds: bpy.props.FloatProperty(
        name="Seconds", description="Length of this part; the list's if not given"
    )
    seed: bpy.props.IntProperty(
        name="Seed", description="Another seed gives another motion; the list's if not given"
    )
    hold: bpy.props.EnumProperty(
        name="Lock",
        description="Which poses in the segment stay; the scene's choice if not given",
        items=LOCK_ITEMS,
    )

    @classmethod
    def poll(cls, context: Context) -> bool:
        """Greyed, with the reason, while no segment can be regenerated."""
        return can_run(cls, segment_poll_error(context))

    def start(self, context: Context) -> SceneJob:
        """Begin to read the motion around the segment."""
        is_set = self.properties.is_property_set
        index = int(self.index) if is_set("index") else None
        given = {name: getattr(self, name) for name in _LINE_FIELDS if is_set(name)}
        options = given_or_scene(self, context, (*_FROM_SCENE, "hold"))
        options["lock"] = LockMode(options.pop("hold"))
        return start_segment(context, wanted_segment(context, index, given, options))


_CLASSES = (
    AddPrompt,
    RemovePrompt,
    DuplicatePrompt,
    MovePrompt,
    NewLineSeed,
    LoadSequence,
    GenerateSequence,
    RegenerateSegment,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
