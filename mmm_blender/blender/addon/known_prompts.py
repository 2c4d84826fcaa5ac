"""What the chosen weights make of a prompt, and the list of what they know, in the panel."""
# Blender reads properties from annotations that are calls; they are no types, and meant so.
# pyright: reportInvalidTypeForm=false

from dataclasses import dataclass
from typing import ClassVar

from ...common.errors import MMMError
from ...prompts.knowledge import Knowledge, KnownGroup, read_knowledge
from ...prompts.sequence_plan import Limits, Part, length_note, plan_sequence, sequence_note
from ...prompts.understanding import line_of, notes_on
from ..bpy_types import Context, bpy
from ..guards import one_sentence
from ..widgets import Layout, draw_wrapped
from .bundle_cards import BundleCard
from .bundle_choice import shown_bundle
from .scene_settings import scene_settings
from .ui_state import ui_state

_MOST_SHOWN = 60  # entries of the list at once: more need a search
_WIDTH = 18  # of the list, in Blender's units
_SEARCH = "mmm_known_search"


@dataclass(frozen=True)
class PromptReading:
    """notes: what was not understood, in one line. parts: the sequence that it becomes, () for
    one clip."""

    notes: str = ""
    parts: tuple[Part, ...] = ()


def shown_knowledge(card: BundleCard) -> Knowledge | None:
    """What a bundle says that it knows, for a panel."""
    return ui_state.disk_fact(f"knowledge of {card.folder}", lambda: read_knowledge(card.folder))


def read_prompt(card: BundleCard, prompt: str, seconds: float) -> PromptReading:
    """What a bundle makes of a prompt, for a panel."""
    knowledge = shown_knowledge(card)
    key = ("prompt", card, knowledge is None, prompt, seconds)
    return ui_state.fact(key, lambda: _read(card, knowledge, prompt, seconds))


def _read(
    card: BundleCard, knowledge: Knowledge | None, prompt: str, seconds: float
) -> PromptReading:
    parts = _parts(card, knowledge, prompt, seconds)
    notes = notes_on(prompt, knowledge)
    if (
        knowledge is not None
        and seconds > 0
        and not parts
        and (note := length_note(prompt, seconds))
    ):
        notes = (*notes, note)
    return PromptReading(line_of(notes), parts)


def prompt_parts(card: BundleCard, prompt: str, seconds: float) -> tuple[Part, ...]:
    """The sequence that a prompt becomes, () for one clip; to be asked by a press."""
    return _parts(card, read_knowledge(card.folder), prompt, seconds)


def _parts(
    card: BundleCard, knowledge: Knowledge | None, prompt: str, seconds: float
) -> tuple[Part, ...]:
    limits = Limits(composites=card.composites)
    if card.limits is not None:
        limits = Limits(card.limits.min_seconds, card.limits.max_seconds, card.composites)
    if knowledge is None:
        return plan_sequence(prompt, seconds, limits)
    return plan_sequence(prompt, seconds, limits, knowledge.is_whole)


def draw_reading(layout: Layout, context: Context, reading: PromptReading) -> None:
    """The lines under a prompt: what was not understood, and that it becomes a sequence."""
    if reading.notes:
        draw_wrapped(layout, context, reading.notes, icon="QUESTION")
    if reading.parts:
        draw_wrapped(layout, context, sequence_note(reading.parts), icon="SEQ_SEQUENCER")


def draw_notes(layout: Layout, context: Context, prompt: str) -> None:
    """The line under a prompt that stays one clip whatever it says."""
    try:
        card = shown_bundle(context.scene)
    except MMMError:
        return
    draw_reading(layout, context, PromptReading(read_prompt(card, prompt, 0.0).notes))


def draw_known_button(layout: Layout, card: BundleCard | None) -> None:
    """The button that opens the list, where the weights have one."""
    if card is not None and shown_knowledge(card) is not None:
        layout.popover("MMM_PT_known_prompts", text="", icon="PRESET")


class UsePrompt(bpy.types.Operator):
    """Write this prompt into the panel"""

    bl_idname = "mmm.use_prompt"
    bl_label = "Use Prompt"
    bl_options: ClassVar[set[str]] = {"UNDO", "INTERNAL"}

    prompt: bpy.props.StringProperty(name="Prompt", description="What the body does")

    @one_sentence
    def execute(self, context: Context) -> set[str]:
        """The scene's prompt is this one now."""
        scene_settings(context.scene).prompt = self.prompt
        return {"FINISHED"}


class KnownPromptsPanel(bpy.types.Panel):
    """Prompts that the chosen weights know"""

    bl_idname = "MMM_PT_known_prompts"
    bl_label = "Known Prompts"
    bl_space_type = "VIEW_3D"
    bl_region_type = "WINDOW"
    bl_options: ClassVar[set[str]] = {"INSTANCED"}
    bl_ui_units_x = _WIDTH

    def draw(self, context: Context) -> None:
        """A search field, then groups."""
        layout: Layout = self.layout
        manager = context.window_manager
        layout.prop(manager, _SEARCH, text="", icon="VIEWZOOM")
        draw_known(layout, _knowledge(context), str(getattr(manager, _SEARCH)))


def _knowledge(context: Context) -> Knowledge | None:
    try:
        return shown_knowledge(shown_bundle(context.scene))
    except MMMError:
        return None


def draw_known(layout: Layout, knowledge: Knowledge | None, search: str) -> None:
    """The groups with the prompts that fit a search, each a button that writes the prompt."""
    groups = () if knowledge is None else knowledge.search(search)
    if not groups:
        layout.label(text="Nothing Known Fits", icon="INFO")
    left = _MOST_SHOWN
    for group in groups:
        _draw_group(layout, group, max(left, 0))
        left -= len(group.prompts)
    if left < 0:
        layout.label(text="There are more: search for a word.", icon="INFO")


def _draw_group(layout: Layout, group: KnownGroup, most: int) -> None:
    if most == 0:
        return
    column = layout.column(align=True)
    column.label(text=group.name)
    for each in group.prompts[:most]:
        button = column.operator("mmm.use_prompt", text=each.prompt, translate=False)
        button.prompt = each.prompt


_CLASSES = (UsePrompt, KnownPromptsPanel)

_register, _unregister = bpy.utils.register_classes_factory(_CLASSES)


def register() -> None:
    """Add the list and its search field, which is no part of any file."""
    _register()
    field = bpy.props.StringProperty(
        name="Search",
        description="Words of a prompt or of a group",
        options={"TEXTEDIT_UPDATE", "SKIP_SAVE"},
    )
    setattr(bpy.types.WindowManager, _SEARCH, field)


def unregister() -> None:
    """Take both away."""
    delattr(bpy.types.WindowManager, _SEARCH)
    _unregister()
