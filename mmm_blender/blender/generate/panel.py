"""The MMM tab in the 3D view's sidebar, read from top to bottom as the work goes."""

from __future__ import annotations

from ...common.errors import MMMError
from ...worker.protocol import FailureKind
from ..addon.availability import poll_error
from ..addon.bundle_cards import BundleCard
from ..addon.bundle_choice import length_poll_error, shown_bundle
from ..addon.device_panel import draw_preferences_button
from ..addon.disk_facts import shown_cards, shown_python
from ..addon.first_start import tab_was_opened
from ..addon.known_prompts import PromptReading, draw_known_button, draw_reading, read_prompt
from ..addon.licence_notice import draw_notice as draw_notice_of_licence
from ..addon.scene_settings import CONTINUE, Settings, scene_settings
from ..addon.setup_widgets import draw_setup
from ..addon.several_characters import draw_characters
from ..addon.shown_target import shown_target
from ..addon.ui_state import scene_key, ui_state
from ..bpy_types import Context, bpy
from ..jobs.job_widgets import draw_notice, draw_progress
from ..jobs.session import MAIN_PANEL, session
from ..path.properties import NONE, path_settings
from ..path.shown_path import shown_path_poll_error
from ..widgets import BIG, ORDER, TAB, Layout, draw_choice, draw_wrapped, in_language, shown
from .continuation import continues, motion_before

EXAMPLES = (
    "a person walks forward",
    "a tired person walks forward",
    "an old man walks in a curve to the left",
    "a person walks backward",
    "a person runs forward",
    "a person jumps forward",
    "a person waves with the left hand",
    "a woman raises both hands happily",
    "a proud man bows",
    "a person dances",
)


class ExamplesMenu(bpy.types.Menu):
    """Prompts to begin with."""

    bl_idname = "MMM_MT_examples"
    bl_label = "Example Prompts"

    def draw(self, _context: Context) -> None:
        """One line a prompt."""
        for prompt in EXAMPLES:
            draw_choice(self.layout, "scene.mmm.prompt", prompt, prompt)


class BundlesMenu(bpy.types.Menu):
    """Weights to choose from."""

    bl_idname = "MMM_MT_bundles"
    bl_label = "Weights"

    def draw(self, _context: Context) -> None:
        """One line a bundle."""
        for card in shown_cards():
            draw_choice(self.layout, "scene.mmm.bundle", card.key, card.name)


class MotionPanel(bpy.types.Panel):
    """Prompt, Generate Motion, and how it goes."""

    bl_idname = "MMM_PT_motion"
    bl_label = "MMM"
    bl_order = ORDER["motion"]
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = TAB

    def draw(self, context: Context) -> None:
        """All of it."""
        tab_was_opened()
        layout: Layout = self.layout
        settings = scene_settings(context.scene)
        _draw_request(layout, context, settings)
        has_place = _draw_target(layout, context)
        card, said = _card_or_none(context), False
        if session.busy:
            draw_progress(layout, session)
        else:
            said = card is not None and draw_notice_of_licence(layout, context, card)
            _draw_button(layout, context, settings, has_place)
        draw_notice(layout, context, session, MAIN_PANEL)
        _draw_bundle(layout, card, said)


def _draw_request(layout: Layout, context: Context, settings: Settings) -> None:
    column = layout.column()
    column.label(text="What happens?")
    row = column.row(align=True)
    row.prop(settings, "prompt", text="")
    row.menu("MMM_MT_examples", text="", icon="DOWNARROW_HLT")
    card = _card_or_none(context)
    draw_known_button(row, card)
    if card is not None:
        draw_reading(column, context, _reading(card, settings))
    column.prop(settings, "seconds")
    row = column.row(align=True)
    row.prop(settings, "seed")
    row.operator("mmm.new_seed", text="", icon="FILE_REFRESH")
    column.prop(settings, "takes")
    column.prop(settings, "claim_tries")
    row = column.row()
    row.prop(settings, "pin_feet")
    row.prop(settings, "loop")
    row = column.row()
    row.prop(settings, "simplify")
    if settings.simplify:
        row.prop(settings, "tolerance", text="mm")
    column.prop(settings, "scene_end")


def _draw_target(layout: Layout, context: Context) -> bool:
    """Where the motion will go; False, and the reason, when it has no place to go."""
    rig, reason = shown_target(context)
    if reason:
        draw_wrapped(layout, context, reason, icon="ERROR")
        return False
    frame = context.scene.frame_current
    if not draw_characters(layout, context):
        name = in_language("a new character") if rig is None else str(rig.name)
        text = in_language("On {name}, from frame {frame}", name=name, frame=frame)
        layout.label(text=text, icon="ARMATURE_DATA")
    key = ("motion before", scene_key(context), frame)
    before = ui_state.fact(key, lambda: motion_before(context, rig))
    if before:
        _draw_existing(layout, context, before)
    return True


def _draw_existing(layout: Layout, context: Context, before: str) -> None:
    """Continue or replace, and what that does to the motion before the playhead."""
    settings, path = scene_settings(context.scene), path_settings(context.scene)
    place = (str(path.start_from), str(path.end_in), str(path.kind) != NONE)
    row = layout.row(align=True)
    can_go_on = continues(CONTINUE, *place) and not settings.loop
    row.enabled = can_go_on  # else it is replaced whatever was chosen
    row.prop(settings, "existing", expand=True)
    if can_go_on and str(settings.existing) == CONTINUE:
        text = in_language("Goes on from '{name}'; keys before the playhead stay.", name=before)
    else:
        text = in_language("'{name}' is replaced, and stays in the list of takes.", name=before)
    draw_wrapped(layout, context, text, icon="INFO")


def _draw_button(layout: Layout, context: Context, settings: Settings, has_place: bool) -> None:
    """The button; greyed, with the reason and the way out under it, while it cannot be pressed."""
    reason = poll_error(context) or _settings_poll_error(context, settings)
    row = layout.row(align=True)
    row.scale_y = BIG
    row.enabled = has_place and not reason
    row.operator("mmm.generate", icon="PLAY")
    row.prop(settings, "show_steps", text="", icon="GHOST_ENABLED")
    if reason:
        draw_wrapped(layout, context, reason, icon="INFO")
    if shown_python()[1] or session.notice.kind == FailureKind.ENVIRONMENT:
        draw_setup(layout, context)
        row = layout.row(align=True)
        row.operator("mmm.check_worker", icon="FILE_REFRESH")
        draw_preferences_button(row)


def _settings_poll_error(context: Context, settings: Settings) -> str:
    """What is wrong with the fields themselves, in a sentence; else ""."""
    if not str(settings.prompt).strip():
        return "Say in a few words what the body does."
    try:
        card = shown_bundle(context.scene)
    except MMMError as error:
        return str(error)
    if reason := card.poll_error or shown_path_poll_error(context):
        return reason
    # a path is walked window by window, so it may take longer than the longest clip
    has_path = str(path_settings(context.scene).kind) != NONE
    if has_path or _reading(card, settings).parts:
        return ""
    return length_poll_error(card, float(settings.seconds))


def _reading(card: BundleCard, settings: Settings) -> PromptReading:
    return read_prompt(card, str(settings.prompt), float(settings.seconds))


def _draw_bundle(layout: Layout, card: BundleCard | None, said: bool) -> None:
    """Which weights, and what one may do with their motions, unless it was ``said`` above."""
    cards = shown_cards()
    name = in_language("Choose Weights") if card is None else card.name
    column = layout.column(align=True)
    if len(cards) > 1 or card is None:
        column.menu("MMM_MT_bundles", text=shown(name))
    for line in () if card is None or said else card.licence_lines:
        column.label(text=shown(line))


def _card_or_none(context: Context) -> BundleCard | None:
    try:
        return shown_bundle(context.scene)
    except MMMError:
        return None


_CLASSES = (
    ExamplesMenu,
    BundlesMenu,
    MotionPanel,
)

register, unregister = bpy.utils.register_classes_factory(_CLASSES)
